//! Who speaks to `receive-payment`, and what a request turned out to say.

use crate::confirmation;
use chrono::{DateTime, Utc};
use makegood::config::Place;
use makegood::payment::returned::Returned;
use makegood::payment::webhook::{Ignored, Webhook};
use makegood::payment::{ConfirmedPayment, Refused, UnnamedPayment, razorpay, stripe};

/// Who speaks, by the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    Razorpay,
    Stripe,
    PaymentService,
}

impl Speaker {
    pub(crate) const ALL: [Self; 3] = [Self::Razorpay, Self::Stripe, Self::PaymentService];

    pub(crate) fn of(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|speaker| speaker.path() == path)
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Razorpay => "/payments/webhooks/razorpay",
            Self::Stripe => "/payments/webhooks/stripe",
            Self::PaymentService => "/payments/confirmations",
        }
    }

    /// The event that is named where a payment is none of ours.
    pub(crate) const fn capture(self) -> &'static str {
        match self {
            Self::Stripe => "payment_intent.succeeded",
            Self::Razorpay | Self::PaymentService => "payment.captured",
        }
    }
}

/// What a request turned out to say.
pub(crate) enum Message {
    Payment(Box<ConfirmedPayment>),
    Unnamed(Box<UnnamedPayment>),
    Returned(Box<Returned>),
    Ignored(Ignored),
}

/// Reads a body whose signature was verified.
///
/// # Errors
/// [`Refused`] naming the field.
pub(crate) fn read(
    speaker: Speaker,
    body: &[u8],
    place: Place,
    now: DateTime<Utc>,
) -> Result<Message, Refused> {
    let webhook = match speaker {
        Speaker::PaymentService => return Ok(Message::Payment(Box::new(confirmation::read(body)?))),
        Speaker::Razorpay => razorpay::read(body, now)?,
        Speaker::Stripe => stripe::read(body, place, now)?,
    };
    Ok(match webhook {
        Webhook::Captured(payment) => Message::Payment(payment),
        Webhook::Unnamed(unnamed) => Message::Unnamed(unnamed),
        Webhook::Returned(returned) => Message::Returned(returned),
        Webhook::Ignored(ignored) => Message::Ignored(ignored),
    })
}
