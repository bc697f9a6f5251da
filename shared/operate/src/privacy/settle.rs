//! What is open of a person who is erased all the same is brought to an end, so that no guarantee is broken by it.

use super::steps::Scope;
use super::{Open, OpenKind, Person};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use makegood::case::{self, CaseKind, NewCase};
use makegood::db::Connection;
use makegood::ids::{PaymentId, PurchaseId};
use makegood::purchase::{EndReason, Ending, end};
use serde_json::json;
use uuid::Uuid;

/// Who publishes what this ends, and the code of the cases.
const SOURCE: &str = "makegood";
const CODE: &str = "person_erased";
const WHAT: &str = "the person was erased before this was delivered; give the money back, record it (makegood refunds record), and resolve \
                    this case";

/// When and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: DateTime<Utc>,
    pub(super) timezone: Tz,
}

impl Moment {
    /// The school's day.
    pub(super) fn today(self) -> NaiveDate {
        self.now.with_timezone(&self.timezone).date_naive()
    }
}

/// Ends what is open: courses, allocations, begun payments and failed jobs. What was paid and not delivered gets a case `refund_due`. In the
/// caller's transaction; done again it changes nothing.
///
/// # Errors
/// Those of the database.
pub(super) async fn settle(
    connection: &mut Connection,
    scope: Scope<'_>,
    open: &[Open],
    moment: Moment,
) -> Result<(), sqlx::Error> {
    match scope.person {
        Person::Student(_) => settle_course(connection, scope, open, moment).await,
        Person::Buyer(_) => settle_shop(connection, scope, open).await,
    }
}

async fn settle_course(
    connection: &mut Connection,
    scope: Scope<'_>,
    open: &[Open],
    moment: Moment,
) -> Result<(), sqlx::Error> {
    let footprint = scope.footprint;
    for payment in uuids(open, OpenKind::PaymentUnfulfilled) {
        open_course_case(&mut *connection, payment).await?;
    }
    sqlx::query!(
        "UPDATE payments SET status = 'cancelled', updated_at = $2
         WHERE id = ANY($1) AND status IN ('initiated', 'processing')",
        &footprint.payments,
        moment.now,
    )
    .execute(&mut *connection)
    .await?;
    let purchases: Vec<PurchaseId> = uuids(open, OpenKind::PurchaseRunning).map(PurchaseId).collect();
    let ending = Ending {
        reason: EndReason::ByHand,
        now: moment.now,
        timezone: moment.timezone,
        source: SOURCE,
    };
    // Its events are published by the sweep `outbox`, within a minute.
    end(&mut *connection, &purchases, &ending).await?;
    sqlx::query!(
        "UPDATE trainer_allocations SET status = 'cancelled', updated_at = $2
         WHERE id = ANY($1) AND status IN ('pending', 'approved', 'active')",
        &footprint.allocations,
        moment.now,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE tutoring_sessions SET status = 'cancelled', updated_at = $3
         WHERE allocation_id = ANY($1) AND status = 'scheduled' AND scheduled_date > $2",
        &footprint.allocations,
        moment.today(),
        moment.now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn open_course_case(connection: &mut Connection, payment: Uuid) -> Result<(), sqlx::Error> {
    let paid = sqlx::query!(
        "SELECT amount_cents, currency FROM payments WHERE id = $1",
        payment
    )
    .fetch_one(&mut *connection)
    .await?;
    let case = NewCase {
        kind: CaseKind::RefundDue,
        subject: payment.to_string(),
        payment_id: Some(PaymentId(payment)),
        payment_intent_id: None,
        amount_minor: Some(paid.amount_cents),
        currency: Some(paid.currency),
        details: json!({"what": WHAT, "code": CODE, "source": SOURCE}),
    };
    case::open(connection, &case).await?;
    Ok(())
}

async fn settle_shop(
    connection: &mut Connection,
    scope: Scope<'_>,
    open: &[Open],
) -> Result<(), sqlx::Error> {
    let unfulfilled = open
        .iter()
        .filter(|open| open.kind == OpenKind::IntentUnfulfilled);
    for intent in unfulfilled {
        let paid = sqlx::query!(
            "SELECT amount_cents, currency FROM payment_intents WHERE payment_intent_id = $1",
            intent.id
        )
        .fetch_one(&mut *connection)
        .await?;
        let case = NewCase {
            kind: CaseKind::RefundDue,
            subject: intent.id.clone(),
            payment_id: None,
            payment_intent_id: Some(intent.id.clone()),
            amount_minor: Some(paid.amount_cents),
            currency: Some(paid.currency),
            details: json!({"what": WHAT, "code": CODE, "source": SOURCE}),
        };
        case::open(&mut *connection, &case).await?;
    }
    sqlx::query!(
        "UPDATE job_queue SET status = 'cancelled', updated_at = now() WHERE id = ANY($1) AND status = 'failed'",
        &scope.footprint.jobs
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn uuids(open: &[Open], kind: OpenKind) -> impl Iterator<Item = Uuid> {
    open.iter()
        .filter(move |open| open.kind == kind)
        .filter_map(|open| Uuid::parse_str(&open.id).ok())
}
