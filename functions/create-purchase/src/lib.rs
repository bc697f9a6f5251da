//! The `create-purchase` stage: a confirmed payment becomes a purchase, its mark and its event, in one commit.

mod columns;

pub use columns::COLUMNS;

use makegood::case::{self, CaseKind, NewCase};
use makegood::delivery::{Deadline, Disposition, Failure, Record, Stage};
use makegood::event::{Envelope, EventError, PurchaseConfirmed};
use makegood::outbox::Publisher;
use makegood::purchase::{Difference, Fulfilment, PurchaseOutcome, Purchases};
use makegood::telemetry::millis;
use serde_json::json;
use std::time::Duration;

/// The stage with what it needs.
#[derive(Debug)]
pub struct CreatePurchase {
    /// Makes the purchases.
    pub purchases: Purchases,
    /// Publishes what was committed.
    pub publisher: Publisher,
}

impl Stage for CreatePurchase {
    const NAME: &'static str = "create-purchase";
    const MAX_ATTEMPTS: u32 = 3;
    type Input = PurchaseConfirmed;

    fn read(&self, payload: &str) -> Result<PurchaseConfirmed, EventError> {
        PurchaseConfirmed::parse(payload)
    }

    fn envelope<'a>(&self, input: &'a PurchaseConfirmed) -> &'a Envelope {
        &input.envelope
    }

    async fn process(
        &self,
        records: &[Record<PurchaseConfirmed>],
        _deadline: Deadline,
    ) -> Result<Vec<Result<(), Failure>>, Failure> {
        let events: Vec<&PurchaseConfirmed> = records.iter().map(|record| &record.input).collect();
        let Fulfilment { outcomes, published } = match self.purchases.fulfil(&events).await {
            Ok(fulfilment) => fulfilment,
            Err(failure) => return Err(self.blame(records, failure).await),
        };
        self.publisher.publish(&published).await;
        let mut results = Vec::with_capacity(records.len());
        for (record, outcome) in records.iter().zip(outcomes) {
            results.push(match outcome {
                Ok(PurchaseOutcome::Refused(Difference::Erased)) => Err(erased()),
                Ok(PurchaseOutcome::Refused(difference)) => Err(self.refuse(record, difference).await),
                Ok(outcome) => self.report(record, outcome),
                Err(refusal) => {
                    self.open_unfulfillable(&record.input, &refusal).await;
                    Err(refusal)
                }
            });
        }
        Ok(results)
    }
}

impl CreatePurchase {
    /// A failure that a single record is to blame for, for good, leaves a case: a student has paid.
    async fn blame(&self, records: &[Record<PurchaseConfirmed>], failure: Failure) -> Failure {
        if let [record] = records
            && failure.disposition == Disposition::Park
        {
            self.open_unfulfillable(&record.input, &failure).await;
        }
        failure
    }

    /// The event is not what the payment's row says. What may pass is delivered again, and is a person's with the last attempt.
    async fn refuse(&self, record: &Record<PurchaseConfirmed>, difference: Difference) -> Failure {
        let refusal = refusal(&record.input, difference);
        if refusal.disposition != Disposition::Retry || record.attempt >= Self::MAX_ATTEMPTS {
            let what = if difference == Difference::RowGone {
                "a repeat of an event that was processed, and the payment's row was deleted since; nothing was made. Resolve this case \
                 where it was deleted on purpose; else restore the row"
            } else {
                "an event asked for goods, and the payment's row does not allow it; nothing was made. Find out who sent it; \
                 where the row is wrong, correct it and replay the event"
            };
            self.open_case(&record.input, CaseKind::UnknownPayment, &refusal, what)
                .await;
        }
        refusal
    }

    /// Counts and logs what became of one payment.
    fn report(&self, record: &Record<PurchaseConfirmed>, outcome: PurchaseOutcome) -> Result<(), Failure> {
        let event_id = record.input.envelope.event_id.as_str();
        let correlation_id = record.input.envelope.correlation_id.as_str();
        let attempt = record.attempt;
        match outcome {
            PurchaseOutcome::Created(_) => self.count_created(&record.input),
            PurchaseOutcome::Recovered(purchase_id) => {
                self.count_created(&record.input);
                metrics::counter!("PurchasesRecovered").increment(1);
                tracing::warn!(event_id, correlation_id, attempt, %purchase_id, "recovered: marked, but never made");
            }
            PurchaseOutcome::Renewed { purchase, recovered } => {
                self.count_created(&record.input);
                metrics::counter!("PurchasesRecovered").increment(u64::from(recovered));
                tracing::info!(event_id, correlation_id, attempt, purchase_id = %purchase, recovered, "a renewal");
            }
            PurchaseOutcome::Extended(purchase) => {
                tracing::info!(event_id, correlation_id, attempt, purchase_id = %purchase, "a second payment: extended");
            }
            PurchaseOutcome::AlreadyFulfilled {
                purchase, publish, ..
            } => {
                metrics::counter!("DuplicateEvents").increment(1);
                tracing::info!(event_id, correlation_id, attempt, purchase_id = %purchase, publish, "a replay");
            }
            PurchaseOutcome::Surplus(owned) => {
                tracing::warn!(event_id, correlation_id, attempt, owned = %owned, "surplus payment: a case is open");
            }
            PurchaseOutcome::Undecidable(owned) => {
                tracing::warn!(event_id, correlation_id, attempt, owned = %owned, "whose purchase? a case is open");
            }
            PurchaseOutcome::SurplusBefore => {
                metrics::counter!("DuplicateEvents").increment(1);
                tracing::info!(event_id, correlation_id, attempt, "surplus, as found before");
            }
            PurchaseOutcome::Refunded => {
                tracing::warn!(
                    event_id,
                    correlation_id,
                    attempt,
                    "refunded before it was fulfilled: nothing is owed"
                );
            }
            PurchaseOutcome::Refused(difference) => return Err(refusal(&record.input, difference)),
            PurchaseOutcome::TryAgain | PurchaseOutcome::Over(_) => {
                let reason =
                    "another purchase stood in the way and is gone again; the next delivery makes this one";
                return Err(Failure::retry("purchase_conflict_gone", reason));
            }
        }
        Ok(())
    }

    fn count_created(&self, event: &PurchaseConfirmed) {
        metrics::counter!("PurchasesCreated").increment(1);
        let Some(confirmed) = event.envelope.timestamp else {
            return;
        };
        let elapsed = self
            .purchases
            .clock
            .now()
            .timestamp_millis()
            .saturating_sub(confirmed);
        let elapsed = Duration::from_millis(u64::try_from(elapsed).unwrap_or(0));
        metrics::histogram!("PaymentToPurchaseMillis").record(millis(elapsed));
    }

    async fn open_unfulfillable(&self, event: &PurchaseConfirmed, refusal: &Failure) {
        let what =
            "the purchase can't be made as it was paid; fix the cause, resolve this case, replay the event";
        self.open_case(event, CaseKind::Unfulfillable, refusal, what)
            .await;
    }

    /// Best effort: the dead letter is there either way, and the payment stays in `PaidUnfulfilled` until one of both
    /// is handled.
    async fn open_case(&self, event: &PurchaseConfirmed, kind: CaseKind, refusal: &Failure, what: &str) {
        let case = NewCase {
            kind,
            subject: event.payment_id.to_string(),
            payment_id: Some(event.payment_id),
            payment_intent_id: None,
            amount_minor: Some(event.amount_cents),
            currency: event.currency.clone(),
            details: json!({
                "what": what,
                "code": refusal.code,
                "reason": refusal.reason,
                "studentId": event.student_id,
                "courseId": event.course_id,
                "eventId": event.envelope.event_id,
            }),
        };
        let opened = match self.purchases.database.acquire().await {
            Ok(mut connection) => case::open(&mut connection, &case).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(error) = opened {
            tracing::error!(%error, payment_id = %event.payment_id, "no case opened");
        }
    }
}

/// A repeat for a student who was erased since: what was made stays, and nothing more is made.
fn erased() -> Failure {
    Failure::acknowledge("student_erased", "the student was erased; nothing is made")
}

/// Why nothing is made for an event that is not what its payment's row says.
fn refusal(event: &PurchaseConfirmed, difference: Difference) -> Failure {
    let (code, field, payment) = (difference.code(), difference.field(), event.payment_id);
    let reason = match difference {
        Difference::NotRecorded => {
            format!(
                "`{field}` {payment} is in no row of `payments` (yet); record the payment, then replay this event"
            )
        }
        Difference::NotSucceeded => {
            format!(
                "`{field}` in the row of payment {payment} is not succeeded (yet); when it is, replay this event"
            )
        }
        Difference::Erased => return erased(),
        Difference::RowGone => {
            let reason = format!(
                "the event was processed, and the row of payment {payment} was deleted since; nothing is made"
            );
            return Failure::acknowledge(code, reason);
        }
        Difference::Student
        | Difference::Course
        | Difference::Amount
        | Difference::Currency
        | Difference::Tier
        | Difference::Expiry => {
            format!(
                "`{field}` is not what the row of payment {payment} says; compare both with `makegood trace {payment}`, and find out \
                 who sent this event"
            )
        }
    };
    if difference.may_pass() {
        return Failure::retry(code, reason);
    }
    Failure::park(code, reason)
}
