//! What came of every payment: the driver's record on one side, the rows, the queues and the admin service on the other.

use crate::goods::{Goods, Order};
use crate::ledger::{CheckoutRecord, PaymentRecord};
use crate::plan::{PlannedCheckout, PlannedPayment};
use crate::world::World;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// Sessions of a course that has just begun.
const SESSIONS: i64 = 7;

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Payments that were acknowledged, and checkouts that the gateway was paid for.
    pub paid: usize,
    /// Of them those that got what they paid for, once.
    pub fulfilled: usize,
    /// Paid, and nothing for it, or less; each in words.
    pub lost: Vec<String>,
    /// Something twice, or for nothing.
    pub doubled: Vec<String>,
    /// A person decides: an open case or a dead letter.
    pub left_to_a_person: Vec<String>,
    /// Payments whose provider is still told to come again.
    pub unacknowledged: usize,
    /// Stock that does not add up.
    pub stock: Vec<String>,
    /// The ids under which the doctor names what is left to a person: payments, purchases, intents.
    pub left_ids: BTreeSet<String>,
    /// What `makegood doctor` calls a breach, and no person knows of yet.
    pub breaches: Vec<String>,
    /// Jobs that seem to be worked on, where no worker runs any more.
    pub processing: i64,
}

impl Verdict {
    /// What can be seen in this database of the run, without the doctor.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of(world: &World, database: &str) -> Result<Self> {
        let goods = Goods::read(world, database).await?;
        let mut verdict = Self {
            stock: goods.stock_that_differs(&world.outside.plan.articles),
            processing: goods.processing,
            ..Self::default()
        };
        let payments = world.ledger.payments();
        for (planned, record) in world.outside.plan.payments.iter().zip(&payments) {
            verdict.judge_payment(&goods, planned, record);
        }
        let poison = world.topics.iter().flat_map(|topics| topics.poison());
        for mark in poison.filter(|mark| !goods.has_dead_letter(mark)) {
            verdict
                .lost
                .push(format!("{mark} was committed, and is no dead letter"));
        }
        let checkouts = world.ledger.checkouts();
        for (planned, record) in world.outside.plan.checkouts.iter().zip(&checkouts) {
            verdict.judge_checkout(&goods, planned, record);
        }
        Ok(verdict)
    }

    /// The same with the doctor's breaches.
    ///
    /// # Errors
    /// Those of the database, or when the doctor could not look.
    pub async fn with_doctor(world: &World, database: &str) -> Result<Self> {
        let mut verdict = Self::of(world, database).await?;
        let (_, said) = world.servers.makegood(database, &["doctor", "--json"]).await?;
        let answer: Value =
            serde_json::from_str(&said).with_context(|| format!("the doctor said {said:?}"))?;
        let findings = answer["findings"]
            .as_array()
            .with_context(|| format!("the doctor said {said}"))?;
        let breaches = findings
            .iter()
            .filter(|finding| finding["severity"] == "breach" && !is_known(finding, &verdict.left_ids));
        for finding in breaches {
            verdict.breaches.push(format!(
                "{} {}: {}",
                finding["count"],
                finding["code"].as_str().unwrap_or_default(),
                finding["examples"]
            ));
        }
        Ok(verdict)
    }

    /// Whether everything that was paid was made good once, or is in a person's hands.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.lost.is_empty()
            && self.doubled.is_empty()
            && self.stock.is_empty()
            && self.breaches.is_empty()
            && (self.unacknowledged, self.processing) == (0, 0)
    }

    fn judge_payment(&mut self, goods: &Goods, planned: &PlannedPayment, record: &PaymentRecord) {
        let who = format!("payment {} of student {}", planned.reference, planned.student);
        let got = goods.of_student(planned.student, planned.course);
        if got.purchases > 1 || got.published > 1 {
            let (rows, events) = (got.purchases, got.published);
            self.doubled
                .push(format!("{who} made {rows} purchases and published {events}"));
        }
        if got.allocations > 1 || got.granted > 1 {
            let (rows, granted) = (got.allocations, got.granted);
            self.doubled.push(format!(
                "{who} has {rows} allocations, and was given {granted} trainers"
            ));
        }
        if got.sessions > SESSIONS {
            self.doubled
                .push(format!("{who} has {} sessions ahead", got.sessions));
        }
        if !record.is_acknowledged {
            self.unacknowledged += 1;
            return;
        }
        self.paid += 1;
        let missing = match (got.purchases, got.allocations, got.sessions) {
            (0, ..) => "no purchase".to_owned(),
            (_, 0, _) => "a purchase and no trainer".to_owned(),
            (_, _, sessions) if sessions < SESSIONS => format!("{sessions} of {SESSIONS} sessions"),
            _ => {
                self.fulfilled += 1;
                return;
            }
        };
        let id = record.payment_id.as_deref().unwrap_or_default();
        match goods.excuse_of_payment(id, planned.student) {
            Some(excuse) => {
                self.left_to_a_person.push(format!("{who}: {missing}, {excuse}"));
                self.left_ids.insert(id.to_owned());
                self.left_ids
                    .extend(goods.purchases_of(planned.student, planned.course));
            }
            None => self.lost.push(format!("{who} ({id}): {missing}")),
        }
    }

    fn judge_checkout(&mut self, goods: &Goods, planned: &PlannedCheckout, record: &CheckoutRecord) {
        let who = format!(
            "checkout {} of buyer {}",
            record.intent.as_deref().unwrap_or("without intent"),
            planned.user
        );
        let orders = record
            .intent
            .as_deref()
            .map_or(&[][..], |intent| goods.orders_of(intent));
        let numbers: Vec<&str> = orders.iter().map(|order: &Order| order.number.as_str()).collect();
        let published = record
            .intent
            .as_deref()
            .map_or(0, |intent| goods.published_orders(intent));
        if numbers.len() > 1 || record.shown.len() > 1 || published > 1 {
            let shown = &record.shown;
            self.doubled.push(format!(
                "{who} has orders {numbers:?}, was shown {shown:?}, {published} were published"
            ));
        }
        if let Some(gone) = record
            .shown
            .iter()
            .find(|shown| !numbers.contains(&shown.as_str()))
        {
            self.lost
                .push(format!("{who} was shown order {gone}, which is gone"));
        }
        if !record.is_paid {
            if !numbers.is_empty() {
                self.doubled
                    .push(format!("{who} did not pay and has orders {numbers:?}"));
            }
            return;
        }
        self.paid += 1;
        let intent = record.intent.as_deref().unwrap_or_default();
        match (orders.first(), goods.excuse_of_intent(intent)) {
            (Some(order), _)
                if order.pieces
                    == planned
                        .basket
                        .iter()
                        .map(|(_, pieces)| i64::from(*pieces))
                        .sum::<i64>() =>
            {
                self.fulfilled += 1;
            }
            (Some(order), _) => self
                .lost
                .push(format!("{who}: an order of {} pieces", order.pieces)),
            (None, Some(excuse)) => {
                self.left_to_a_person.push(format!("{who}: no order, {excuse}"));
                self.left_ids.insert(intent.to_owned());
            }
            (None, None) => self.lost.push(format!("{who}: no order")),
        }
    }
}

/// Whether all that the doctor counts in this finding is in a person's hands. The doctor still calls it a breach: it is one until
/// the person has repaired it.
fn is_known(finding: &Value, left_ids: &BTreeSet<String>) -> bool {
    let examples = finding["examples"].as_array().map_or(&[][..], Vec::as_slice);
    let known = |example: &Value| example.as_str().is_some_and(|id| left_ids.contains(id));
    finding["count"].as_u64() == Some(examples.len() as u64)
        && !examples.is_empty()
        && examples.iter().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_breach_is_known_only_if_all_of_it_is_left_to_a_person() {
        let left = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let finding = |count: u64, examples: &[&str]| json!({"count": count, "examples": examples});
        assert!(is_known(&finding(2, &["b", "a"]), &left));
        for other in [
            finding(2, &["a", "c"]),
            finding(3, &["a", "b"]),
            finding(0, &[]),
            json!({}),
        ] {
            assert!(!is_known(&other, &left), "{other}");
        }
    }
}
