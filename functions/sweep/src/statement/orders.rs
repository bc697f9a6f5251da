//! Payments that name nothing of ours, though their order may, or that are too little, though an offer made them so: Razorpay is asked for
//! the order, and Stripe for the Checkout Session, before one is called another site's, or is left to a person (docs/decisions/0095, 0103,
//! 0107).

use super::source::{Asked, Object, Source};
use crate::context::Sweep;
use makegood::delivery::Deadline;
use std::collections::HashSet;
use std::time::Duration;

/// After so many questions a run reads no further page; the next run goes on.
const MOST_A_RUN: usize = 300;
/// A question is begun only while this much time is left: the provider's patience, and a little for what follows.
const LEFT_FOR_A_QUESTION: Duration = Duration::from_secs(12);
/// So many failures in a row, and no order is asked for until the next run.
const FAILURES_IN_A_ROW: usize = 3;

/// What the order of a payment says.
pub(super) enum Answer {
    /// This is the order, or the session.
    Order(Object),
    /// The payment has none, or the provider knows none of this id.
    NoOrder,
    /// No session made it, by the provider's own word: there is nothing to ask for again.
    NoSession,
    /// It was not asked, or gave no answer: ask again.
    None,
}

/// The questions of one run.
pub(super) struct Questions<'a> {
    /// Whom it asks.
    pub source: Source<'a>,
    /// Until when.
    pub deadline: Deadline,
    asked: usize,
    failures: usize,
}

impl<'a> Questions<'a> {
    pub(super) const fn new(source: Source<'a>, deadline: Deadline) -> Self {
        Self {
            source,
            deadline,
            asked: 0,
            failures: 0,
        }
    }

    /// Whether this run has asked for as many orders as it may.
    pub(super) const fn is_spent(&self) -> bool {
        self.asked >= MOST_A_RUN
    }

    /// Asks for the order of a payment as the provider's list has it.
    pub(super) async fn order_of(&mut self, payment: &Object) -> Answer {
        let asked = self.source.asks(payment);
        let (Asked::Order(id) | Asked::Session(id)) = &asked else {
            return Answer::NoOrder;
        };
        if self.failures >= FAILURES_IN_A_ROW || self.deadline.remaining() <= LEFT_FOR_A_QUESTION {
            return Answer::None;
        }
        self.asked += 1;
        match asked.ask(self.source).await {
            Ok(order) => {
                self.failures = 0;
                match (order, &asked) {
                    (Some(order), _) => Answer::Order(order),
                    (None, Asked::Session(_)) => Answer::NoSession,
                    (None, _) => Answer::NoOrder,
                }
            }
            Err(error) => {
                self.failures += 1;
                tracing::error!(
                    function = Sweep::NAME, order_id = id, code = error.code(), %error,
                    "the order of a payment was not told; the next reading asks again"
                );
                Answer::None
            }
        }
    }
}

/// Those of these payments whose order was asked for and named nothing of ours.
pub(super) async fn asked_before(
    sweep: &Sweep,
    provider: &str,
    ids: &[String],
) -> Result<HashSet<String>, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    let asked = sqlx::query_scalar!(
        "SELECT entry_id FROM statement_entries
         WHERE provider = $1 AND kind = 'payment' AND entry_id = ANY($2) AND outcome = 'not_ours' AND acted = 'asked'",
        provider,
        ids,
    )
    .fetch_all(&mut connection)
    .await?;
    Ok(asked.into_iter().collect())
}
