//! What a provider's webhook says, whichever provider it is, and how an event that nothing is read from is counted.

use crate::payment::returned::Returned;
use crate::payment::{ConfirmedPayment, UnnamedPayment};

/// What a webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// The money is ours.
    Captured(Box<ConfirmedPayment>),
    /// The money moved, and the notes don't say what for; a begun payment may.
    Unnamed(Box<UnnamedPayment>),
    /// Money goes back, or may.
    Returned(Box<Returned>),
    /// Nothing is read from it.
    Ignored(Ignored),
}

/// What is made of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It carries a payment that was captured, which is recorded once, whichever of its events come.
    Capture,
    /// It says what a refund has come to.
    Refund,
    /// It says what a dispute has come to.
    Dispute,
    /// It is counted by its name, and nothing is read from it.
    LeftAlone,
}

/// The name under which an event that is in no table is counted, whatever it is called.
pub const UNKNOWN: &str = "unknown";

/// An event that nothing is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its name as it came, at most 64 characters of it.
    pub event: String,
    /// The name to count it under: its own where it is documented, else [`UNKNOWN`]; so that there are never more names than those.
    pub counted: &'static str,
    /// Whether it is not documented here and names an amount: money may have moved, and no code reads it.
    pub is_unknown_money: bool,
    /// Why nothing is read from an event that would be read otherwise, for its sender.
    pub reason: Option<&'static str>,
}

impl Ignored {
    /// The event of this name, where this is what is known of it.
    pub(super) fn of(
        event: &str,
        known: Option<(&'static str, Treatment)>,
        names_an_amount: impl FnOnce() -> bool,
    ) -> Self {
        Self {
            event: event.chars().take(64).collect(),
            counted: known.map_or(UNKNOWN, |(name, _)| name),
            is_unknown_money: known.is_none() && names_an_amount(),
            reason: None,
        }
    }
}
