//! Asks the gateways about intents whose buyer did not come back, several at once, for as long as there is time for an answer.

use super::OrderReconciliation;
use super::silence::{AT_ONCE, LEFT_FOR_A_QUESTION, Silence};
use crate::context::Sweep;
use futures::StreamExt;
use makegood::delivery::Deadline;
use makegood::verification::{Outcome, Payment, VerificationStatus, Verifier};
use std::time::Duration;

/// How many intents one run asks about at most; the next run goes on.
const MOST_A_RUN: usize = 2_000;

/// Asks about what is due until the time is nearly up or no gateway answers.
///
/// To know whose turn it is means to sort all that is due, so this is read once; and once more for each gateway that falls silent
/// meanwhile, whose payments must not take the turns of the others.
pub(super) async fn ask(
    sweep: &Sweep,
    silence: &Silence,
    deadline: Deadline,
    done: &mut OrderReconciliation,
) -> Result<(), sqlx::Error> {
    let Some(gateways) = &sweep.gateways else {
        return report_unasked(sweep).await;
    };
    let verifier = Verifier {
        database: sweep.publisher.database.clone(),
        gateways: gateways.clone(),
        waker: sweep.waker.clone(),
        clock: sweep.clock,
    };
    while done.asked < MOST_A_RUN && deadline.remaining() > LEFT_FOR_A_QUESTION {
        let silent = silence.silent();
        let due = due(sweep, MOST_A_RUN - done.asked, &silent).await?;
        ask_all(&verifier, silence, deadline, due, done).await?;
        if silence.silent() == silent {
            break;
        }
    }
    Ok(())
}

async fn ask_all(
    verifier: &Verifier,
    silence: &Silence,
    deadline: Deadline,
    due: Vec<Payment>,
    done: &mut OrderReconciliation,
) -> Result<(), sqlx::Error> {
    let mut answers = futures::stream::iter(due)
        .map(|payment| async move {
            if silence.is_silent(payment.provider) || deadline.remaining() <= LEFT_FOR_A_QUESTION {
                return Ok(None);
            }
            let outcome = verifier.verify(&payment, Duration::ZERO).await?;
            let unanswered = match &outcome {
                Outcome::Undecided { unanswered, .. } => *unanswered,
                _ => None,
            };
            silence.note(payment.provider, unanswered);
            Ok(Some(outcome))
        })
        .buffer_unordered(AT_ONCE);
    let mut failed = None;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Some(outcome)) => done.count(&outcome),
            Ok(None) => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The payments whose turn it is, this many at most.
async fn due(sweep: &Sweep, most: usize, silent: &[String]) -> Result<Vec<Payment>, sqlx::Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut connection = sweep.publisher.database.acquire().await?;
    let rows = sqlx::query_file!("src/reconcile/order/due_intents.sql", most, silent)
        .fetch_all(&mut connection)
        .await?;
    let payments = rows.into_iter().filter_map(|row| {
        Some(Payment {
            provider: row.provider.parse().ok()?,
            external_transaction_id: row.external_transaction_id,
        })
    });
    Ok(payments.collect())
}

async fn report_unasked(sweep: &Sweep) -> Result<(), sqlx::Error> {
    let waiting = due(sweep, MOST_A_RUN, &[]).await?.len();
    if waiting > 0 {
        tracing::error!(
            function = Sweep::NAME,
            intents = waiting,
            "intents wait for a gateway's word and no gateway is configured; set ESEWA_… and KHALTI_…"
        );
    }
    Ok(())
}

impl OrderReconciliation {
    fn count(&mut self, outcome: &Outcome) {
        self.asked += 1;
        match outcome {
            // Verified by another invocation meanwhile.
            Outcome::Unknown
            | Outcome::Final {
                already_verified: true,
                ..
            } => {}
            Outcome::Final { status, .. } => match status {
                VerificationStatus::Success => self.verified += 1,
                VerificationStatus::AmountMismatch => self.mismatched += 1,
                VerificationStatus::Failed => self.freed += 1,
            },
            Outcome::Lapsed { .. } => self.freed += 1,
            Outcome::Undecided { unanswered, .. } => {
                self.undecided += 1;
                self.gateway_failures += usize::from(unanswered.is_some());
            }
        }
    }
}
