//! What every sweep needs.

use crate::pipelines::Pipelines;
use crate::retention::Retention;
use chrono_tz::Tz;
use makegood::clock::Clock;
use makegood::gateway::{Gateways, Razorpay, Stripe};
use makegood::job::Waker;
use makegood::outbox::Publisher;
use makegood::refund::PartialRefund;
use makegood::school_days::TeachingDays;

/// The sweeps, with what they need.
#[derive(Debug)]
pub struct Sweep {
    /// The database and the way out.
    pub publisher: Publisher,
    /// What this stack has; the other pipeline is left alone.
    pub pipelines: Pipelines,
    /// eSewa and Khalti; without them no gateway is asked what became of a payment (a course has none).
    pub gateways: Option<Gateways>,
    /// For how many days a gateway is asked whether it gave a payment back; 0 asks never.
    pub refund_question_days: u16,
    /// Razorpay, for one merchant; without it no order is asked for what a held payment buys, and its statement is not read.
    pub razorpay: Option<Razorpay>,
    /// Stripe, for one account; without it its lists are not read.
    pub stripe: Option<Stripe>,
    /// Whether what a provider's notes say is believed where nothing confirms it (`TRUST_WEBHOOK_NOTES`).
    pub trusts_notes: bool,
    /// What a refund of a part comes to (`PARTIAL_REFUND`).
    pub partial_refund: PartialRefund,
    /// For how long what is personal is kept.
    pub retention: Retention,
    /// Wakes the workers of jobs; without it runnable jobs are only reported.
    pub waker: Option<Waker>,
    /// The time.
    pub clock: Clock,
    /// Where the school is.
    pub timezone: Tz,
    /// The days of the week on which it teaches.
    pub teaching_days: TeachingDays,
}

impl Sweep {
    /// The function's name.
    pub const NAME: &'static str = "sweep";
}
