//! The messages of a run: who pays for what, through which door, how often, and signed by whom. Pure.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

/// One payment in this many is sent twice.
const REPEATED: usize = 8;
/// One payment in this many comes from the payment service instead of Razorpay.
const CONFIRMED: usize = 10;
const COURSES: u128 = 4;
/// What every course costs.
pub const PRICE_MINOR: i64 = 499_900;
const SLOTS: [&str; 4] = ["9:00 AM", "4:00 PM", "5:30 PM", "7:00 PM"];
/// The tiers that are sold.
pub const TIERS: [i32; 3] = [10, 20, 30];

/// The doors of the deployed API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `POST /payments/webhooks/razorpay`.
    Webhook,
    /// `POST /payments/confirmations`.
    Confirmation,
}

impl Door {
    /// The path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Webhook => "/payments/webhooks/razorpay",
            Self::Confirmation => "/payments/confirmations",
        }
    }
}

/// What a message is for, and so how it must be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A payment for a course that the student does not own: 200.
    Payment,
    /// A second payment for a course that the student owns: 200, and a case.
    Surplus,
    /// Signed with a wrong secret: 401, nothing stored.
    Forged,
    /// Signed, but without a course: 200 `held`, and a case, since the money has moved.
    Malformed,
}

/// One message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is for.
    pub kind: Kind,
    /// Where it goes.
    pub door: Door,
    /// Who pays.
    pub student: Uuid,
    /// The payment's name at its provider.
    pub reference: String,
    /// The bytes that are signed and sent.
    pub body: String,
    /// How often it is sent.
    pub times: usize,
}

/// All messages of a run.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// In the order of sending; the surplus payment, the forged and the malformed one come last.
    pub messages: Vec<Message>,
    /// The courses that are sold, each in every tier.
    pub courses: Vec<Uuid>,
}

impl Traffic {
    /// This many payments, the last of which is for a course that its student owns, one forged and one malformed message.
    /// Students and courses are this run's own, so that a stack that is kept up can be run again.
    #[must_use]
    pub fn plan(run: Uuid, payments: usize) -> Self {
        let students = payments.max(2) - 1;
        let mut messages: Vec<Message> = (0..students)
            .map(|number| payment(run, number, students))
            .collect();
        messages.push(of_kind(Kind::Surplus, run, 0, &format!("surplus{}", short(run))));
        messages.push(of_kind(
            Kind::Forged,
            run,
            students,
            &format!("forged{}", short(run)),
        ));
        messages.push(of_kind(
            Kind::Malformed,
            run,
            students + 1,
            &format!("malformed{}", short(run)),
        ));
        let courses = (0..4).map(|number| course(run, number)).collect();
        Self { messages, courses }
    }

    /// The students who really paid, each once.
    #[must_use]
    pub fn students(&self) -> Vec<Uuid> {
        self.messages
            .iter()
            .filter(|message| message.kind == Kind::Payment)
            .map(|message| message.student)
            .collect()
    }

    /// The payments' names at their provider, the malformed one's too.
    #[must_use]
    pub fn references(&self) -> Vec<String> {
        self.messages
            .iter()
            .map(|message| message.reference.clone())
            .collect()
    }

    /// The students of what must leave no trace.
    #[must_use]
    pub fn strangers(&self) -> Vec<Uuid> {
        let refused = |message: &&Message| matches!(message.kind, Kind::Forged | Kind::Malformed);
        self.messages
            .iter()
            .filter(refused)
            .map(|message| message.student)
            .collect()
    }

    /// How many payments there are, the surplus one included.
    #[must_use]
    pub fn payments(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| matches!(message.kind, Kind::Payment | Kind::Surplus))
            .count()
    }

    /// How many messages are sent a second time.
    #[must_use]
    pub fn repeats(&self) -> usize {
        self.messages.iter().map(|message| message.times - 1).sum()
    }
}

fn payment(run: Uuid, number: usize, students: usize) -> Message {
    let mut message = of_kind(Kind::Payment, run, number, &format!("{}x{number}", short(run)));
    if number % CONFIRMED == 1 {
        message.door = Door::Confirmation;
        message.body = confirmation(run, number, &message.reference);
    }
    if number % REPEATED == 2 % students.min(REPEATED) {
        message.times = 2;
    }
    message
}

fn of_kind(kind: Kind, run: Uuid, number: usize, name: &str) -> Message {
    let reference = format!("pay_{name}");
    let body = webhook(kind, run, number, &reference);
    Message {
        kind,
        door: Door::Webhook,
        student: student(run, number),
        reference,
        body,
        times: 1,
    }
}

fn webhook(kind: Kind, run: Uuid, number: usize, reference: &str) -> String {
    let mut notes = json!({"studentId": student(run, number), "courseId": course(run, number),
                           "purchaseTier": tier(number).to_string(), "timeSlot": slot(number)});
    if kind == Kind::Malformed
        && let Some(notes) = notes.as_object_mut()
    {
        notes.remove("courseId");
    }
    json!({"entity": "event", "event": "payment.captured", "contains": ["payment"],
           "payload": {"payment": {"entity": {"id": reference, "entity": "payment", "amount": PRICE_MINOR,
               "currency": "INR", "status": "captured", "method": "upi", "notes": notes}}}})
    .to_string()
}

fn confirmation(run: Uuid, number: usize, reference: &str) -> String {
    json!({"paymentId": derived(run, "payment", number), "studentId": student(run, number),
           "courseId": course(run, number), "amountCents": PRICE_MINOR, "currency": "INR", "provider": "school-pay",
           "providerPaymentId": reference, "metadata": {"purchaseTier": tier(number), "timeSlot": slot(number)}})
    .to_string()
}

fn student(run: Uuid, number: usize) -> Uuid {
    derived(run, "student", number)
}

fn course(run: Uuid, number: usize) -> Uuid {
    Uuid::from_u128(run.as_u128() ^ (number as u128 % COURSES + 1))
}

fn derived(run: Uuid, what: &str, number: usize) -> Uuid {
    Uuid::new_v5(&run, format!("{what}{number}").as_bytes())
}

fn tier(number: usize) -> i32 {
    TIERS[number % TIERS.len()]
}

fn slot(number: usize) -> &'static str {
    SLOTS[number % SLOTS.len()]
}

fn short(run: Uuid) -> String {
    run.simple().to_string().chars().take(10).collect()
}

/// HMAC-SHA256 of these parts under this secret, in hex.
#[must_use]
pub fn sign(secret: &str, parts: &[&[u8]]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    parts.iter().for_each(|part| mac.update(part));
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn plan(payments: usize) -> Traffic {
        Traffic::plan(Uuid::from_u128(7), payments)
    }

    #[test]
    fn a_run_holds_every_kind_of_message() {
        let traffic = plan(40);
        assert_eq!(
            (traffic.payments(), traffic.students().len(), traffic.repeats()),
            (40, 39, 5)
        );
        let confirmations = traffic
            .messages
            .iter()
            .filter(|message| message.door == Door::Confirmation)
            .count();
        assert_eq!(confirmations, 4);
        let last: Vec<Kind> = traffic
            .messages
            .iter()
            .rev()
            .take(3)
            .map(|message| message.kind)
            .collect();
        assert_eq!(last, [Kind::Malformed, Kind::Forged, Kind::Surplus]);
    }

    #[test]
    fn the_surplus_payment_is_another_payment_of_the_first_student_for_the_same_course() {
        let traffic = plan(12);
        let surplus = traffic
            .messages
            .iter()
            .find(|message| message.kind == Kind::Surplus)
            .unwrap();
        let first = &traffic.messages[0];
        assert_eq!(surplus.student, first.student);
        assert_ne!(surplus.reference, first.reference);
        assert_eq!(
            surplus.body.replace(&surplus.reference, &first.reference),
            first.body
        );
    }

    #[test]
    fn two_runs_share_no_student_and_no_payment() {
        let names = |run: &[u8]| -> BTreeSet<String> {
            let traffic = Traffic::plan(Uuid::new_v5(&Uuid::NAMESPACE_OID, run), 40);
            let students = traffic.messages.iter().map(|message| message.student.to_string());
            students.chain(traffic.references()).collect()
        };
        // Forty-two references; forty-one students, as one pays twice.
        assert_eq!(names(b"one").len(), 42 + 41);
        assert!(names(b"one").is_disjoint(&names(b"other")));
    }

    #[test]
    fn even_the_smallest_run_has_a_payment_a_repeat_and_a_surplus() {
        let traffic = plan(0);
        assert_eq!(
            (traffic.payments(), traffic.students().len(), traffic.repeats()),
            (2, 1, 1)
        );
    }

    #[test]
    fn signatures_are_the_published_ones() {
        // RFC 4231, test case 2.
        let signature = sign("Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            signature,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
