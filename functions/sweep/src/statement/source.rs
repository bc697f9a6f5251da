//! Whose lists are read: Razorpay's or Stripe's. All else is the same for both.

use super::stop::Stopped;
use crate::context::Sweep;
use makegood::gateway::{GatewayError, Razorpay, RazorpayList, Span, Stripe, StripeList};
use makegood::payment::fields::Object as Fields;
use makegood::payment::provider::{PROVIDER, STRIPE, is_id, name_beside};
use makegood::payment::returned::{self, Refund};
use makegood::payment::{Refusal, Refused, razorpay, stripe, webhook::Webhook};
use makegood::statement::{Entry, Reading};
use serde_json::{Map, Value, json};

/// An entry as the provider writes it.
pub(super) type Object = Map<String, Value>;

/// A provider whose lists a server can read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Razorpay(&'a Razorpay),
    Stripe(&'a Stripe),
}

/// A page of a list, without what was read before.
#[derive(Debug)]
pub(super) struct Page {
    pub entries: Vec<Object>,
    /// How many the provider had on it.
    pub read: usize,
    /// Where the next one begins.
    pub last: Option<String>,
    pub is_end: bool,
}

impl Page {
    pub(super) fn read_on(self, sweep: &Sweep, reading: &mut Reading) {
        reading.advance(self.read, self.last);
        if self.is_end {
            reading.end_list(sweep.clock.now());
        }
    }
}

/// Where it is asked what a payment was made for, when its own notes do not say it.
pub(super) enum Asked {
    /// Nowhere.
    Nothing,
    /// Razorpay's order of this id.
    Order(String),
    /// The Checkout Session of this PaymentIntent of Stripe's.
    Session(String),
}

impl<'a> Source<'a> {
    /// As `payments.provider` has it.
    pub(super) const fn provider(self) -> &'static str {
        match self {
            Self::Razorpay(_) => PROVIDER,
            Self::Stripe(_) => STRIPE,
        }
    }

    /// Under which field of what a run did its reading is kept; none where it is all of it.
    pub(super) const fn field(self) -> Option<&'static str> {
        match self {
            Self::Razorpay(_) => None,
            Self::Stripe(_) => Some(STRIPE),
        }
    }

    /// The next page of payments. None: the list moved, and is read anew.
    pub(super) async fn payments(self, reading: &mut Reading) -> Result<Option<Page>, Stopped> {
        match self {
            Self::Razorpay(razorpay) => by_number(razorpay, RazorpayList::Payments, reading).await,
            Self::Stripe(stripe) => by_place(stripe, StripeList::Charges, reading).await,
        }
    }

    /// The next page of refunds.
    pub(super) async fn refunds(self, reading: &mut Reading) -> Result<Option<Page>, Stopped> {
        match self {
            Self::Razorpay(razorpay) => by_number(razorpay, RazorpayList::Refunds, reading).await,
            Self::Stripe(stripe) => by_place(stripe, StripeList::Refunds, reading).await,
        }
    }

    /// One payment by an id that our row has; none when the provider knows no such payment.
    pub(super) async fn payment(self, id: &str) -> Result<Option<Object>, GatewayError> {
        match self {
            Self::Razorpay(razorpay) => razorpay.payment(id).await,
            Self::Stripe(stripe) => stripe.payment(own_name(id)).await,
        }
    }

    /// Whether an id of our row is one by which a payment can be asked for. Other programs keep other ids of Stripe's, as a session's.
    pub(super) fn can_ask_for(self, id: &str) -> bool {
        match self {
            Self::Razorpay(_) => true,
            Self::Stripe(_) => ["pi_", "ch_", "py_"]
                .iter()
                .any(|kind| own_name(id).starts_with(kind)),
        }
    }

    /// The names, besides its own, under which a payment may be kept here, the best first.
    pub(super) fn other_names(self, payment: &Object) -> Vec<String> {
        let id = |object: &Object| object.get("id").and_then(Value::as_str).map(str::to_owned);
        match self {
            Self::Razorpay(_) => Vec::new(),
            Self::Stripe(_) => {
                let beside = id(payment).map(|id| name_beside(STRIPE, &id));
                let charge = stripe::charge_of(payment).and_then(id);
                beside.into_iter().chain(charge).collect()
            }
        }
    }

    pub(super) fn read_payment(self, payment: &Object) -> Result<Entry, Refusal> {
        match self {
            Self::Razorpay(_) => Entry::read_payment(payment),
            Self::Stripe(_) => Entry::read_stripe_payment(payment),
        }
    }

    pub(super) fn read_refund(self, refund: &Object) -> Result<Entry, Refusal> {
        match self {
            Self::Razorpay(_) => Entry::read_refund(refund),
            Self::Stripe(_) => Entry::read_stripe_refund(refund),
        }
    }

    /// Why an entry is none of this stack's, whatever it says.
    pub(super) fn not_for_us(self, entry: &Object) -> Result<Option<&'static str>, Refusal> {
        match self {
            Self::Razorpay(_) => Ok(None),
            Self::Stripe(stripe) => stripe::of_other_mode(&Fields::new("", entry), stripe.place),
        }
    }

    /// A payment as its webhook would have told it, with what was asked for about it.
    pub(super) fn told(
        self,
        sweep: &Sweep,
        payment: &Object,
        order: Option<&Object>,
    ) -> Result<Webhook, Refused> {
        match self {
            Self::Razorpay(_) => razorpay::read_listed(payment, order),
            Self::Stripe(_) => stripe::read_listed(payment, order, sweep.clock.now()),
        }
    }

    /// A refund as its webhook would have told it.
    pub(super) fn told_refund(self, sweep: &Sweep, refund: &Object) -> Result<Refund, Refusal> {
        match self {
            Self::Razorpay(_) => returned::read_listed(refund, sweep.clock.now()),
            Self::Stripe(_) => stripe::read_listed_refund(refund, sweep.clock.now()),
        }
    }

    /// Whether a refund that succeeded may fail all the same, so that its failure is recorded.
    pub(super) const fn refunds_may_fail_late(self) -> bool {
        matches!(self, Self::Stripe(_))
    }

    /// Whether what is asked for about a payment may settle what its own notes make a case.
    pub(super) fn may_be_told_better(self, payment: &Object) -> bool {
        match self {
            Self::Razorpay(_) => razorpay::has_offer(payment),
            Self::Stripe(_) => true,
        }
    }

    pub(super) fn asks(self, payment: &Object) -> Asked {
        let id = |field: &str| {
            let id = payment.get(field).and_then(Value::as_str);
            id.filter(|id| is_id(id)).map(str::to_owned)
        };
        match self {
            Self::Razorpay(_) => id("order_id").map_or(Asked::Nothing, Asked::Order),
            Self::Stripe(_) => id("id")
                .filter(|id| id.starts_with("pi_"))
                .map_or(Asked::Nothing, Asked::Session),
        }
    }
}

impl Asked {
    /// The order or session, as a webhook carries it; none when there is none.
    pub(super) async fn ask(&self, source: Source<'_>) -> Result<Option<Object>, GatewayError> {
        match (self, source) {
            (Self::Order(id), Source::Razorpay(razorpay)) => match razorpay.order(id).await {
                Ok(order) => {
                    let fields = [
                        ("id", json!(id)),
                        ("amount", json!(order.amount_minor)),
                        ("currency", json!(order.currency)),
                        ("status", json!(order.is_paid.then_some("paid"))),
                        ("notes", order.notes.to_json()),
                    ];
                    let fields = fields.map(|(name, value)| (name.to_owned(), value));
                    Ok(Some(fields.into_iter().collect()))
                }
                Err(GatewayError::Refused {
                    status: 400 | 404, ..
                }) => Ok(None),
                Err(error) => Err(error),
            },
            (Self::Session(intent), Source::Stripe(stripe)) => stripe.session_of(intent).await,
            _ => Ok(None),
        }
    }
}

/// The provider's own id in a name of ours.
fn own_name(id: &str) -> &str {
    id.strip_prefix(STRIPE)
        .and_then(|rest| rest.strip_prefix(':'))
        .unwrap_or(id)
}

/// The next page of a list whose pages begin after so many entries. None: the list moved, and is read anew.
pub(super) async fn by_number(
    razorpay: &Razorpay,
    list: RazorpayList,
    reading: &mut Reading,
) -> Result<Option<Page>, Stopped> {
    let page = razorpay.page(list, span(reading), reading.skip_to_last()).await?;
    let is_end = page.len() < Razorpay::PAGE;
    let id = |entry: &Object| entry.get("id").and_then(Value::as_str).map(str::to_owned);
    Ok(reading.unread(page, id).map(|entries| Page {
        read: entries.len(),
        last: entries.last().and_then(id),
        entries,
        is_end,
    }))
}

/// The next page of a list whose pages begin after an entry: nothing that comes in above moves it. None: the entry is not there any more,
/// as with the key of another account, and the list is read anew.
pub(super) async fn by_place(
    stripe: &Stripe,
    list: StripeList,
    reading: &mut Reading,
) -> Result<Option<Page>, Stopped> {
    match stripe.page(list, span(reading), reading.last.as_deref()).await {
        Ok(page) => Ok(Some(Page {
            entries: page.entries,
            read: page.read,
            last: page.last,
            is_end: !page.has_more,
        })),
        Err(GatewayError::Refused {
            status: 400 | 404, ..
        }) if reading.begin_list_anew() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const fn span(reading: &Reading) -> Span {
    Span {
        from: reading.from,
        to: reading.to,
    }
}
