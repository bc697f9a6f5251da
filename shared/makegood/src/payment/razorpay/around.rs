//! The objects that Razorpay sends beside a payment: the order, link, invoice, QR code, virtual account or subscription that it pays.
//!
//! The merchant makes each of them, on its server or in Razorpay's dashboard, with notes and mostly with an amount; no buyer's browser can
//! change them. So their notes decide over the payment's own, and one that names student, course and tier, and costs no more than was
//! paid, confirms the price as an order does (docs/decisions/0040, 0095).

use crate::event::{Metadata, is_absent};
use crate::payment::fields::Object;
use crate::payment::provider::is_id;
use crate::payment::{ConfirmedPayment, Refusal};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The fields of notes that name the tier; the one that decides leaves no other.
const TIERS: [&str; 2] = ["purchaseTier", "sessionCount"];

/// What kind of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Subscription,
    VirtualAccount,
    QrCode,
    Invoice,
    PaymentLink,
    Order,
}

impl Kind {
    /// All, in the order in which their notes are laid over the payment's; those of the last decide.
    const ALL: [Self; 6] = [
        Self::Subscription,
        Self::VirtualAccount,
        Self::QrCode,
        Self::Invoice,
        Self::PaymentLink,
        Self::Order,
    ];

    /// Where it is in a body, as a pointer below `payload` and as refusals name it.
    const fn places(self) -> (&'static str, &'static str) {
        match self {
            Self::Subscription => ("/subscription/entity", "payload.subscription.entity"),
            Self::VirtualAccount => ("/virtual_account/entity", "payload.virtual_account.entity"),
            Self::QrCode => ("/qr_code/entity", "payload.qr_code.entity"),
            Self::Invoice => ("/invoice/entity", "payload.invoice.entity"),
            Self::PaymentLink => ("/payment_link/entity", "payload.payment_link.entity"),
            Self::Order => ("/order/entity", "payload.order.entity"),
        }
    }
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    kind: Kind,
    fields: Object<'a>,
}

impl<'a> Around<'a> {
    /// Those of a webhook's body.
    pub(super) fn all_in(payload: Option<&'a Value>) -> Vec<Self> {
        let read = |kind: Kind| {
            let (pointer, path) = kind.places();
            let fields = payload?.pointer(pointer)?.as_object()?;
            let fields = Object::new(path, fields);
            Some(Self { kind, fields })
        };
        Kind::ALL.into_iter().filter_map(read).collect()
    }

    /// An order that was asked for.
    pub(super) fn order(order: &'a Map<String, Value>) -> Self {
        Self {
            kind: Kind::Order,
            fields: Object::new("order", order),
        }
    }

    /// Razorpay's order that it is, or that was made for it; none where it has none.
    pub(super) fn order_id(&self) -> Option<&'a str> {
        let name = match self.kind {
            Kind::Order => "id",
            _ => "order_id",
        };
        let id = self.fields.get(name).and_then(Value::as_str);
        id.filter(|id| is_id(id))
    }

    /// What it asks for, in minor units, where its own notes say what this payment buys, and it is what this payment pays: all of it,
    /// or a part.
    pub(super) fn asks(&self, payment: &ConfirmedPayment) -> Option<i64> {
        let is_same_currency = || {
            let currency = self.fields.currency();
            currency.is_ok_and(|currency| currency == payment.currency)
        };
        self.costs()
            .filter(|_| self.names(payment) && self.is_paid_by(payment) && is_same_currency())
    }

    /// What it asked for, in minor units, where it is this payment's order, and Razorpay calls it paid.
    pub(super) fn paid_in_full_by(&self, payment: &ConfirmedPayment) -> Option<i64> {
        let is_paid = self.fields.get("status").and_then(Value::as_str) == Some("paid");
        let is_its_order = self.kind == Kind::Order && is_paid && self.is_paid_by(payment);
        let currency = self.fields.currency().ok();
        self.costs()
            .filter(|_| is_its_order && currency.as_ref() == Some(&payment.currency))
    }

    /// Whether its own notes name the payment's student, course and tier, none of them left to another's notes.
    fn names(&self, payment: &ConfirmedPayment) -> bool {
        let Some(notes) = self.fields.get("notes").and_then(Value::as_object) else {
            return false;
        };
        let tier = Metadata(notes.clone()).stated_tier();
        let notes = Object::new("notes", notes);
        let is = |field: &str, id: Uuid| notes.uuid(field) == Ok(id);
        matches!(tier, Ok(Some(_)))
            && tier == payment.metadata.stated_tier()
            && is("studentId", payment.student_id.0)
            && is("courseId", payment.course_id.0)
    }

    /// Whether it names no other payment and no other order than this one's. An order must name this one's.
    fn is_paid_by(&self, payment: &ConfirmedPayment) -> bool {
        let order_id = payment.order_id.as_deref();
        let pays = self.fields.get("payment_id").and_then(Value::as_str);
        match self.kind {
            Kind::Order => order_id.is_some() && self.order_id() == order_id,
            _ => {
                self.order_id()
                    .is_none_or(|own| order_id.is_none_or(|id| own == id))
                    && pays.is_none_or(|own| Some(own) == payment.provider_payment_id.as_deref())
            }
        }
    }

    /// What it asks for, in minor units, 1 or more; none where the payer chooses, or a plan says it.
    fn costs(&self) -> Option<i64> {
        let is_fixed = || self.fields.get("fixed_amount").and_then(Value::as_bool) == Some(true);
        let field = match self.kind {
            Kind::Order | Kind::PaymentLink | Kind::Invoice => "amount",
            Kind::VirtualAccount => "amount_expected",
            Kind::QrCode if is_fixed() => "payment_amount",
            Kind::QrCode | Kind::Subscription => return None,
        };
        let amount = self.fields.amount_minor(field).ok();
        amount.filter(|amount| *amount > 0)
    }
}

/// The notes of the payment, and over them those of what surrounds it. A field that is empty there says nothing. Where there are none,
/// Razorpay sends an empty list in place of the object.
///
/// # Errors
/// When one's notes are no object.
pub(super) fn notes(entity: &Object<'_>, around: &[Around<'_>]) -> Result<Map<String, Value>, Refusal> {
    let mut all = Map::new();
    for object in std::iter::once(entity).chain(around.iter().map(|around| &around.fields)) {
        match object.get("notes") {
            None => (),
            Some(Value::Array(list)) if list.is_empty() => (),
            Some(Value::Object(notes)) => lay_over(&mut all, notes),
            Some(_) => return Err(Refusal::wrong(&object.path_of("notes"), "an object")),
        }
    }
    Ok(all)
}

fn lay_over(all: &mut Map<String, Value>, notes: &Map<String, Value>) {
    let stated = notes.iter().filter(|(_, value)| !is_absent(value));
    if stated.clone().any(|(name, _)| TIERS.contains(&name.as_str())) {
        TIERS.iter().for_each(|name| drop(all.remove(*name)));
    }
    all.extend(stated.map(|(name, value)| (name.clone(), value.clone())));
}
