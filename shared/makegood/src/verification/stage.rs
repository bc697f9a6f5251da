//! The stage: who asks, what is done with the answer, and what the others are told who asked at the same time.

use super::record::{Settled, Written};
use super::store::{self, Snapshot};
use super::{Decision, LOOK_EVERY, Outcome, Payment, Unanswered, VerificationStatus, decide};
use crate::clock::Clock;
use crate::db::{Database, Transaction};
use crate::gateway::{AskedPayment, GatewayError, GatewayReply, Gateways};
use crate::job::Waker;
use std::time::Duration;
use tokio::time::Instant;

/// The stage, with what it needs.
#[derive(Debug, Clone)]
pub struct Verifier {
    /// The database.
    pub database: Database,
    /// eSewa and Khalti.
    pub gateways: Gateways,
    /// Wakes a worker for a payment that was verified; without it the `stale-jobs` sweep does.
    pub waker: Option<Waker>,
    /// The time.
    pub clock: Clock,
}

impl Verifier {
    /// What became of the payment. Of those who ask at once, one asks the gateway; the others wait up to `patience` for its
    /// answer and are told the same. Who stops waiting is told that nothing is decided.
    ///
    /// The gateway has 10 s to answer, beyond the patience. No connection is held while anybody waits.
    ///
    /// # Errors
    /// Those of the database. Nothing is lost: the question can be asked again, and the sweep will.
    pub async fn verify(&self, payment: &Payment, patience: Duration) -> Result<Outcome, sqlx::Error> {
        let until = Instant::now() + patience;
        loop {
            let Some(snapshot) = self.look(payment).await? else {
                return Ok(Outcome::Unknown);
            };
            if let Some(known) = snapshot.known() {
                return Ok(known);
            }
            if let Some(asks) = snapshot.asks {
                return self.ask(payment, &snapshot, asks).await;
            }
            if Instant::now() >= until {
                return Ok(snapshot.undecided(None));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self, payment: &Payment) -> Result<Option<Snapshot>, sqlx::Error> {
        let mut connection = self.database.acquire().await?;
        store::look_and_claim(&mut connection, payment).await
    }

    async fn ask(&self, payment: &Payment, snapshot: &Snapshot, asks: i32) -> Result<Outcome, sqlx::Error> {
        if snapshot.amount_minor == 0 {
            return self.settle_nothing(payment, snapshot, asks).await;
        }
        let asked = AskedPayment {
            external_transaction_id: &payment.external_transaction_id,
            amount_minor: snapshot.amount_minor,
        };
        let reply = match self.gateways.ask(payment.provider, &asked).await {
            Ok(reply) => reply,
            Err(error) => return self.not_answered(payment, snapshot, asks, &error).await,
        };
        let now = self.clock.now();
        let link_over = snapshot.expires_at.is_none_or(|end| end <= now);
        let decision = decide(&reply.answer, snapshot.amount_minor, link_over);
        if let Decision::Wait { hold } = decision {
            let mut connection = self.database.acquire().await?;
            let (intent_id, answer) = (&snapshot.payment_intent_id, reply.answer.code());
            store::note_answer_if_asker(&mut connection, intent_id, asks, answer, hold).await?;
            tracing::info!(correlation_id = intent_id, provider = %payment.provider, answer, "not decided");
            return Ok(snapshot.undecided(None));
        }
        let settled = Settled {
            payment,
            snapshot,
            reply: &reply,
            now,
        };
        let written = self.settle(&settled, decision, asks).await?;
        Ok(self.tell(&settled, written).await)
    }

    /// No gateway knows of a payment of nothing. Its order is made while its intent is open, as it is under its lock: one that a newer
    /// checkout replaces meanwhile comes to nothing.
    async fn settle_nothing(
        &self,
        payment: &Payment,
        snapshot: &Snapshot,
        asks: i32,
    ) -> Result<Outcome, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        let is_open = store::lock_and_see_if_open(&mut transaction, &snapshot.payment_intent_id).await?;
        let reply = GatewayReply::of_nothing(is_open);
        let settled = Settled {
            payment,
            snapshot,
            reply: &reply,
            now: self.clock.now(),
        };
        let decision = decide(&reply.answer, snapshot.amount_minor, true);
        let written = write_and_commit(transaction, &settled, decision, asks).await?;
        Ok(self.tell(&settled, written).await)
    }

    async fn not_answered(
        &self,
        payment: &Payment,
        snapshot: &Snapshot,
        asks: i32,
        error: &GatewayError,
    ) -> Result<Outcome, sqlx::Error> {
        metrics::counter!("VerificationsFailed").increment(1);
        let (correlation_id, provider, code) = (&snapshot.payment_intent_id, payment.provider, error.code());
        if let GatewayError::Refused { .. } = error {
            tracing::error!(correlation_id, %provider, code, %error, "the gateway could not be asked");
        } else {
            tracing::warn!(correlation_id, %provider, code, %error, "the gateway could not be asked");
        }
        let mut connection = self.database.acquire().await?;
        store::note_answer_if_asker(&mut connection, correlation_id, asks, code, false).await?;
        Ok(snapshot.undecided(Some(Unanswered::of(error))))
    }

    /// Writes what follows: in one statement what most payments come to, and in a transaction whatever else. The answer is noted
    /// in the same, so that who waits sees both or neither.
    async fn settle(
        &self,
        settled: &Settled<'_>,
        decision: Decision,
        asks: i32,
    ) -> Result<Written, sqlx::Error> {
        if decision == Decision::Fulfil {
            let mut connection = self.database.acquire().await?;
            if let Some(written) = settled.fulfil(&mut connection, asks).await? {
                return Ok(written);
            }
        }
        let transaction = self.database.begin().await?;
        write_and_commit(transaction, settled, decision, asks).await
    }

    /// After the commit: the worker, the metrics, the log, the answer.
    async fn tell(&self, settled: &Settled<'_>, written: Written) -> Outcome {
        let payment_intent_id = settled.snapshot.payment_intent_id.clone();
        let (status, already_verified) = match written {
            Written::Lapsed => {
                tracing::info!(
                    correlation_id = payment_intent_id,
                    "the link ended unpaid; its stock is free"
                );
                return Outcome::Lapsed { payment_intent_id };
            }
            Written::Before(status) => (status, true),
            Written::Final(status, job) => {
                note(settled, status);
                if let (Some(waker), Some(job)) = (&self.waker, job) {
                    waker.wake(&[job], Duration::ZERO).await;
                }
                (status, false)
            }
        };
        Outcome::Final {
            payment_intent_id,
            status,
            already_verified,
        }
    }
}

/// The decision with all that follows, and the answer to the question of this number.
async fn write_and_commit(
    mut transaction: Transaction,
    settled: &Settled<'_>,
    decision: Decision,
    asks: i32,
) -> Result<Written, sqlx::Error> {
    let written = settled.write(&mut transaction, decision).await?;
    let (intent_id, answer) = (&settled.snapshot.payment_intent_id, settled.reply.answer.code());
    store::note_answer_if_asker(&mut transaction, intent_id, asks, answer, false).await?;
    transaction.commit().await?;
    Ok(written)
}

impl Snapshot {
    /// What can be told without asking.
    fn known(&self) -> Option<Outcome> {
        let recorded = self
            .recorded
            .as_deref()
            .and_then(VerificationStatus::from_wire_name);
        if let Some(status) = recorded {
            return Some(Outcome::Final {
                payment_intent_id: self.payment_intent_id.clone(),
                status,
                already_verified: true,
            });
        }
        (self.turn == "answered").then(|| self.noted())
    }

    /// As the one was told who asked a moment ago.
    fn noted(&self) -> Outcome {
        let answer = self.answer.as_deref().unwrap_or_default();
        let has_ended = !matches!(self.status.as_str(), "pending" | "processing");
        if has_ended && answer == "not_found" {
            return Outcome::Lapsed {
                payment_intent_id: self.payment_intent_id.clone(),
            };
        }
        self.undecided(Unanswered::of_code(answer))
    }

    fn undecided(&self, unanswered: Option<Unanswered>) -> Outcome {
        Outcome::Undecided {
            payment_intent_id: self.payment_intent_id.clone(),
            unanswered,
        }
    }
}

fn note(settled: &Settled<'_>, status: VerificationStatus) {
    let (correlation_id, provider) = (&settled.snapshot.payment_intent_id, settled.payment.provider);
    let answer = settled.reply.answer.code();
    match status {
        VerificationStatus::Success => {
            tracing::info!(correlation_id, %provider, answer, "payment verified");
        }
        VerificationStatus::Failed => {
            metrics::counter!("VerificationsFailed").increment(1);
            tracing::info!(correlation_id, %provider, answer, "the payment came to nothing");
        }
        VerificationStatus::AmountMismatch => {
            metrics::counter!("AmountMismatches").increment(1);
            tracing::error!(
                correlation_id, %provider, answer, asked_cents = settled.snapshot.amount_minor,
                "another amount was paid than was asked for; a case is open"
            );
        }
    }
}
