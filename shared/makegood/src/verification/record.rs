//! What a decided payment leaves behind: the verification, the intent's status, the stock, the job or the case. In one statement
//! where a payment is fulfilled and nothing else is known of it, and in the caller's one transaction otherwise.

use super::order_job::{enqueue_order, order_job};
use super::store::{self, Asked, Fulfilled, NewVerification, Snapshot};
use super::{Decision, Payment, VerificationStatus};
use crate::case::{self, CaseKind, NewCase};
use crate::db::Connection;
use crate::gateway::GatewayReply;
use crate::job::JobId;
use crate::refund::{self, PartialRefund, Settling};
use crate::stock::{self, ReleasedAs};
use chrono::{DateTime, Utc};
use serde_json::json;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The final word, and the job that makes the order of a paid intent.
    Final(VerificationStatus, Option<JobId>),
    /// Nothing final: the stock is free again.
    Lapsed,
    /// Another transaction had recorded the final word; nothing was written.
    Before(VerificationStatus),
}

/// One payment with the gateway's answer about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled<'a> {
    pub(super) payment: &'a Payment,
    pub(super) snapshot: &'a Snapshot,
    pub(super) reply: &'a GatewayReply,
    pub(super) now: DateTime<Utc>,
}

impl Settled<'_> {
    /// Writes what follows from a payment that is what was asked for, and the answer to the question of this number; commits by
    /// itself, in one round trip. None, and nothing is written, where more than that may follow: [`Settled::write`] says what.
    pub(super) async fn fulfil(
        &self,
        connection: &mut Connection,
        asks: i32,
    ) -> Result<Option<Written>, sqlx::Error> {
        let intent_id = &self.snapshot.payment_intent_id;
        let verification = NewVerification {
            payment_intent_id: intent_id,
            status: VerificationStatus::Success,
            amount_minor: Some(self.snapshot.amount_minor),
            response: &self.reply.record,
            verified_at: self.now,
        };
        let asked = Asked {
            number: asks,
            answer: self.reply.answer.code(),
        };
        let job = order_job(self.payment, intent_id);
        let job = match store::fulfil_if_plain(connection, self.payment, &verification, &job, asked).await? {
            Fulfilled::WithJob(job) => job,
            // It is found, and nothing is written.
            Fulfilled::WithOlderJob => enqueue_order(connection, self.payment, intent_id).await?.id,
            Fulfilled::Not => return Ok(None),
        };
        Ok(Some(Written::Final(VerificationStatus::Success, Some(job))))
    }

    /// Writes what follows from the decision. Locks the intent's row first, then what [`stock::release_if_active`] locks.
    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        decision: Decision,
    ) -> Result<Written, sqlx::Error> {
        stock::lock_intent(connection, &self.snapshot.payment_intent_id).await?;
        let Some((status, amount_minor)) = self.verification(decision) else {
            return self.lapse(connection).await;
        };
        let verification = NewVerification {
            payment_intent_id: &self.snapshot.payment_intent_id,
            status,
            amount_minor,
            response: &self.reply.record,
            verified_at: self.now,
        };
        if !store::record_unless_final(connection, self.payment, &verification).await? {
            return self.before(connection).await;
        }
        let job = self.follow(connection, decision).await?;
        // A refund may have been known before: then no order is made.
        let settled = refund::settle(connection, &self.snapshot.payment_intent_id, &self.settling()).await?;
        Ok(Written::Final(
            status,
            job.filter(|_| settled != refund::Settled::NoOrder),
        ))
    }

    /// A refund of a part asked its question when it was noted.
    const fn settling(&self) -> Settling {
        Settling {
            partial_refund: PartialRefund::Keep,
            now: self.now,
            source: "verify-payment",
        }
    }

    /// The row to record, and the money in it; none when nothing final was said.
    const fn verification(&self, decision: Decision) -> Option<(VerificationStatus, Option<i64>)> {
        match decision {
            Decision::Fulfil => Some((VerificationStatus::Success, Some(self.snapshot.amount_minor))),
            Decision::Mismatch { paid_minor } => Some((VerificationStatus::AmountMismatch, Some(paid_minor))),
            Decision::Cancel | Decision::Expire | Decision::GivenBack { .. } => {
                Some((VerificationStatus::Failed, None))
            }
            Decision::Lapse | Decision::Wait { .. } => None,
        }
    }

    async fn follow(
        &self,
        connection: &mut Connection,
        decision: Decision,
    ) -> Result<Option<JobId>, sqlx::Error> {
        match decision {
            Decision::Fulfil => {
                let intent_id = &self.snapshot.payment_intent_id;
                store::begin_unless_succeeded(connection, intent_id, self.now).await?;
                let job = enqueue_order(connection, self.payment, intent_id).await?;
                return Ok(Some(job.id));
            }
            Decision::Cancel => self.end(connection, "cancelled", ReleasedAs::Released).await?,
            Decision::Expire => self.end(connection, "expired", ReleasedAs::Expired).await?,
            Decision::Mismatch { paid_minor } => {
                self.end(connection, "failed", ReleasedAs::Released).await?;
                case::open(connection, &self.mismatch(paid_minor)).await?;
            }
            Decision::GivenBack { partially } => {
                self.end(connection, "failed", ReleasedAs::Released).await?;
                case::open(connection, &self.given_back(partially)).await?;
            }
            Decision::Lapse | Decision::Wait { .. } => {}
        }
        Ok(None)
    }

    async fn lapse(&self, connection: &mut Connection) -> Result<Written, sqlx::Error> {
        if store::recorded(connection, self.payment).await?.is_some() {
            return self.before(connection).await;
        }
        self.end(connection, "expired", ReleasedAs::Expired).await?;
        Ok(Written::Lapsed)
    }

    async fn before(&self, connection: &mut Connection) -> Result<Written, sqlx::Error> {
        let recorded = store::recorded(connection, self.payment).await?;
        let status = recorded.as_deref().and_then(VerificationStatus::from_wire_name);
        status.map(Written::Before).ok_or(sqlx::Error::RowNotFound)
    }

    async fn end(
        &self,
        connection: &mut Connection,
        status: &str,
        released_as: ReleasedAs,
    ) -> Result<(), sqlx::Error> {
        let intent_id = &self.snapshot.payment_intent_id;
        store::end_if_undecided(connection, intent_id, status, self.now).await?;
        stock::release_if_active(connection, intent_id, released_as).await?;
        Ok(())
    }

    fn mismatch(&self, paid_minor: i64) -> NewCase {
        let details = json!({
            "what": "the buyer paid another amount than was asked for; there is no order and the stock is free again: pay it \
                     back at the gateway",
            "code": "amount_mismatch",
            "askedCents": self.snapshot.amount_minor,
            "paidCents": paid_minor,
        });
        self.case(CaseKind::AmountMismatch, paid_minor, details)
    }

    fn given_back(&self, partially: bool) -> NewCase {
        let (kind, what) = if partially {
            (
                CaseKind::RefundDue,
                "the gateway gave a part of the money back before there was an order; pay the rest back there",
            )
        } else {
            (
                CaseKind::Unfulfillable,
                "the gateway gave the money back before there was an order; see whether the buyer knows",
            )
        };
        let details = json!({"what": what, "code": self.reply.answer.code()});
        self.case(kind, self.snapshot.amount_minor, details)
    }

    fn case(&self, kind: CaseKind, amount_minor: i64, details: serde_json::Value) -> NewCase {
        NewCase {
            kind,
            subject: self.snapshot.payment_intent_id.clone(),
            payment_id: None,
            payment_intent_id: Some(self.snapshot.payment_intent_id.clone()),
            amount_minor: Some(amount_minor),
            currency: Some(self.snapshot.currency.clone()),
            details,
        }
    }
}
