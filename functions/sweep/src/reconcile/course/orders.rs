//! Payments that are held because nothing confirms their price: Razorpay is asked for their orders, server to server. An order whose
//! notes name student, course and tier, and whose amount the payment covers, releases the payment (docs/decisions/0040). Whatever else
//! the order says is written into the case, for the person who decides.

use super::findings;
use crate::context::Sweep;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::delivery::Deadline;
use makegood::event::Metadata;
use makegood::gateway::{GatewayError, ProviderOrder, Razorpay};
use makegood::money::money;
use makegood::outbox::{self, OutboxRow};
use makegood::unfulfilled::UnfulfilledPayment;
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How many orders one run asks for; each is asked for once an hour.
const MOST_A_RUN: i64 = 50;
/// A question is begun only while this much time is left: the provider's patience, and a little for what follows.
const LEFT_FOR_A_QUESTION: Duration = Duration::from_secs(12);
/// So many failures in a row, and the provider is left alone until the next run.
const FAILURES_IN_A_ROW: usize = 3;
/// The fields of an order's notes that decide over the payment's own: what was bought, until when, and from when.
const DECIDING: [&str; 6] = [
    "courseId",
    "purchaseTier",
    "sessionCount",
    "expiryDate",
    "startDate",
    "timeSlot",
];
/// Of these, the ones that go from the payment's metadata even where the order does not have them: they say how much was bought.
const REPLACED: [&str; 2] = ["purchaseTier", "sessionCount"];

#[derive(Debug)]
struct Held {
    case_id: Uuid,
    payment_id: Uuid,
    order_id: String,
    amount_cents: i64,
    currency: String,
}

/// What an order says that a payment buys.
#[derive(Debug, PartialEq)]
struct Bought {
    student: Uuid,
    metadata: Map<String, Value>,
}

/// Asks for the orders of held payments and publishes the event of each that is confirmed. Gives back how many were released.
pub(super) async fn release(sweep: &Sweep, deadline: Deadline) -> Result<usize, sqlx::Error> {
    let Some(razorpay) = &sweep.razorpay else {
        return Ok(0);
    };
    let (mut released, mut failures) = (0, 0);
    for payment in due(sweep).await? {
        if deadline.remaining() <= LEFT_FOR_A_QUESTION || failures >= FAILURES_IN_A_ROW {
            break;
        }
        match ask(sweep, razorpay, &payment).await? {
            Asked::Released => (released, failures) = (released + 1, 0),
            Asked::Held => failures = 0,
            Asked::Unanswered => failures += 1,
        }
    }
    if failures >= FAILURES_IN_A_ROW {
        tracing::error!(
            function = Sweep::NAME,
            "Razorpay gave no usable order {FAILURES_IN_A_ROW} times in a row; left alone until the next run. The cases say why: `makegood \
             cases list --kind unpriced_payment`"
        );
    }
    Ok(released)
}

/// What became of one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The order confirmed the payment, and its event is published.
    Released,
    /// The order confirms nothing, or another program or a person decided meanwhile.
    Held,
    /// The provider did not answer, or not as it documents; others may fare alike.
    Unanswered,
}

async fn ask(sweep: &Sweep, razorpay: &Razorpay, held: &Held) -> Result<Asked, sqlx::Error> {
    let (bought, asked) = match razorpay.order(&held.order_id).await {
        Ok(order) => (bought(held, &order), Asked::Held),
        Err(error) if is_about_this_order(&error) => (Err(error.to_string()), Asked::Held),
        Err(error) => (Err(error.to_string()), Asked::Unanswered),
    };
    let now = sweep.clock.now();
    let refusal = match bought {
        Ok(bought) => match confirm(sweep, held, &bought, now).await {
            Ok(rows) if rows.is_empty() => return Ok(Asked::Held),
            Ok(rows) => {
                sweep.publisher.publish(&rows).await;
                return Ok(Asked::Released);
            }
            Err(error) if is_unknown_student(&error) => {
                "the student in its notes is not one of this school".to_owned()
            }
            Err(error) => return Err(error),
        },
        Err(refusal) => refusal,
    };
    note(sweep, held, &refusal, now).await?;
    Ok(asked)
}

/// Whether the provider refused this question alone: it answers 400 for an order that it does not know.
const fn is_about_this_order(error: &GatewayError) -> bool {
    matches!(
        error,
        GatewayError::Refused {
            status: 400 | 404,
            ..
        }
    )
}

/// What the order says, or why it confirms nothing: it must name student, course and tier, and cost no more than was paid.
fn bought(held: &Held, order: &ProviderOrder) -> Result<Bought, String> {
    let id = |name: &str| {
        let text = order.notes.0.get(name).and_then(Value::as_str);
        let id = text.and_then(|text| Uuid::parse_str(text.trim()).ok());
        id.ok_or_else(|| format!("notes.{name} of the order is no UUID"))
    };
    let (student, course) = (id("studentId")?, id("courseId")?);
    match order.notes.stated_tier() {
        Ok(Some(_)) => {}
        Ok(None) => return Err("notes of the order have neither purchaseTier nor sessionCount".to_owned()),
        Err(error) => return Err(format!("the order: {error}")),
    }
    if order.currency != held.currency {
        return Err(format!(
            "the order is in {}, the payment in {}",
            order.currency, held.currency
        ));
    }
    if order.amount_minor > held.amount_cents {
        let [cost, paid] = [order.amount_minor, held.amount_cents].map(|minor| money(minor, &held.currency));
        return Err(format!("the order costs {cost}, the payment has {paid}"));
    }
    let is_deciding = |name: &str| DECIDING.contains(&name);
    let Metadata(mut metadata) = order.notes.clone();
    metadata.retain(|name, value| is_deciding(name) && !makegood::event::is_absent(value));
    metadata.insert("courseId".to_owned(), json!(course));
    Ok(Bought { student, metadata })
}

async fn due(sweep: &Sweep) -> Result<Vec<Held>, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    sqlx::query_file_as!(
        Held,
        "src/reconcile/course/held_orders.sql",
        sweep.clock.now(),
        MOST_A_RUN
    )
    .fetch_all(&mut connection)
    .await
}

/// Empty when another run or a person decided about the case meanwhile.
async fn confirm(
    sweep: &Sweep,
    held: &Held,
    bought: &Bought,
    now: DateTime<Utc>,
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    let mut transaction = sweep.publisher.database.begin().await?;
    let Some(payment) = write(&mut transaction, held, bought, now).await? else {
        transaction.rollback().await?;
        return Ok(Vec::new());
    };
    tracing::info!(
        function = Sweep::NAME,
        payment_id = %held.payment_id,
        "the provider's order confirmed a payment that was held"
    );
    let rows = outbox::publish_again(&mut transaction, &[findings::of_payment(payment, now)]).await?;
    transaction.commit().await?;
    Ok(rows)
}

async fn write(
    connection: &mut Connection,
    held: &Held,
    bought: &Bought,
    now: DateTime<Utc>,
) -> Result<Option<UnfulfilledPayment>, sqlx::Error> {
    sqlx::query_file_as!(
        UnfulfilledPayment,
        "src/reconcile/course/confirmed_by_order.sql",
        now,
        held.case_id,
        held.order_id,
        bought.student,
        json!(bought.metadata),
        &REPLACED.map(str::to_owned),
        held.amount_cents,
    )
    .fetch_optional(connection)
    .await
}

/// Writes into the open case when the order was asked for, and what it said.
async fn note(sweep: &Sweep, held: &Held, refusal: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    sqlx::query!(
        "UPDATE payment_cases SET details = details || jsonb_build_object('orderAskedAt', $2::timestamptz, 'orderSays', $3::text)
         WHERE id = $1 AND status = 'open'",
        held.case_id,
        now,
        refusal,
    )
    .execute(&mut connection)
    .await?;
    Ok(())
}

/// An older `payments` knows only its own students.
fn is_unknown_student(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.is_foreign_key_violation())
}
