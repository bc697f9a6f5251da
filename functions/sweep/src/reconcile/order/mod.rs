//! The order pipeline's part: payments whose buyer did not come back, paid intents that have no order, and payments that a
//! gateway gave back.
//!
//! What the gateway says is handled exactly as in `verify-payment`: it is the same stage. What needs no gateway is done also
//! where none is configured.

mod asking;
mod fulfilling;
mod refunds;
mod silence;

use super::survey::{share, time_to_work};
use crate::context::Sweep;
use makegood::delivery::Deadline;
use serde::Serialize;
use silence::{FAILURES_IN_A_ROW, LEFT_FOR_A_QUESTION, Silence};

/// This part of the time for questions is kept back for those about refunds.
const PART_FOR_REFUNDS: u32 = 4;

/// What a run did for the order pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderReconciliation {
    /// Whether any gateway could be asked; without configuration only the last six are done.
    pub gateways_configured: bool,
    /// Intents that a gateway was asked about.
    pub asked: usize,
    /// Paid: verified now, with a job that makes the order.
    pub verified: usize,
    /// Paid, and not what was asked for: a case was opened.
    pub mismatched: usize,
    /// Cancelled, expired or given back: the stock is free.
    pub freed: usize,
    /// Still undecided.
    pub undecided: usize,
    /// Of these, questions that no gateway answered usably.
    pub gateway_failures: usize,
    /// Paid payments that a gateway was asked about once more: whether it gave them back.
    pub refund_questions: usize,
    /// Of these, payments that are back as a whole: their orders were cancelled, or a case asks about the goods.
    pub refunds_found: usize,
    /// Of these, payments of which a part is back: a case asks how much.
    pub part_refunds_found: usize,
    /// Jobs enqueued or requeued for paid intents that had no live one.
    pub requeued: usize,
    /// Cases opened for paid intents that can't be helped without a person.
    pub cases_opened: usize,
    /// Wake-ups sent for the jobs requeued.
    pub woken: usize,
    /// Verified intents without order and without case, older than two minutes, as this run found them.
    pub paid_unfulfilled: i64,
    /// The age of the oldest of them, in seconds.
    pub paid_unfulfilled_oldest_seconds: i64,
    /// Whether the time was up before everything was looked at: then the two figures are the least that there is.
    pub time_was_up: bool,
}

/// Sets the gauges, heals what is paid and not made, then asks about what is not decided, and then about
/// refunds; no failure of one stops another. Safe to run twice at once: a question
/// is one asker's, and a remedy is applied under the intent's lock.
pub(super) async fn reconcile(sweep: &Sweep, deadline: Deadline) -> Result<OrderReconciliation, sqlx::Error> {
    let mut done = OrderReconciliation {
        gateways_configured: sweep.gateways.is_some(),
        ..OrderReconciliation::default()
    };
    let fulfilled = fulfilling::fulfil(sweep, share(time_to_work(deadline), 2), &mut done).await;
    let silence = Silence::default();
    let for_questions = deadline.remaining().saturating_sub(LEFT_FOR_A_QUESTION);
    let undecided_until = Deadline::after(
        deadline
            .remaining()
            .saturating_sub(for_questions / PART_FOR_REFUNDS),
    );
    let asked = asking::ask(sweep, &silence, undecided_until, &mut done).await;
    let refunds = refunds::ask(sweep, &silence, deadline, &mut done).await;
    report_silent(&silence);
    fulfilled.and(asked).and(refunds)?;
    Ok(done)
}

fn report_silent(silence: &Silence) {
    let silent = silence.silent();
    if !silent.is_empty() {
        tracing::error!(
            function = Sweep::NAME,
            gateways = silent.join(", "),
            "no usable answer {FAILURES_IN_A_ROW} times in a row; left alone until the next run"
        );
    }
}
