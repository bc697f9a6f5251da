//! `process_refund`: records that a refund is due. No money is moved: a person does that, and resolves the case.

use crate::handler::FinalizeOrder;
use crate::intent;
use crate::payload::intent_id;
use crate::refusal::Refusal;
use crate::worker::Performed;
use makegood::case::{self, CaseKind, NewCase};
use makegood::job::{self, Completion, Job};
use makegood::stock;
use serde_json::{Value, json};

impl FinalizeOrder {
    /// Opens a `refund_due` case for the intent, in one transaction with the job's completion.
    pub(crate) async fn process_refund(&self, job: &Job) -> Result<Performed, sqlx::Error> {
        let Some(intent_id) = intent_id(&job.payload) else {
            return Ok(Performed::Refused(Refusal::NoIntentNamed));
        };
        let mut transaction = self.publisher.database.begin().await?;
        // With the lock an order is made before, or not at all.
        stock::lock_intent(&mut transaction, intent_id).await?;
        let Some(intent) = intent::load_locked(&mut transaction, intent_id).await? else {
            return Ok(Performed::Refused(Refusal::UnknownIntent(intent_id.to_owned())));
        };
        let case = NewCase {
            kind: CaseKind::RefundDue,
            subject: intent_id.to_owned(),
            payment_id: None,
            payment_intent_id: Some(intent_id.to_owned()),
            amount_minor: Some(intent.amount_cents),
            currency: Some(intent.currency),
            details: json!({
                "what": "a refund was requested; pay it back at the gateway, then resolve this case",
                "code": "refund_requested",
                "reason": job.payload.get("reason").and_then(Value::as_str),
                "hasOrder": intent.has_order,
                "jobId": job.lease.id.0,
            }),
        };
        case::open(&mut transaction, &case).await?;
        match job::complete_job_if_owned(&mut transaction, &job.lease).await? {
            Completion::LostRace => Ok(Performed::LostLease),
            Completion::Completed => {
                transaction.commit().await?;
                Ok(Performed::Done)
            }
        }
    }
}
