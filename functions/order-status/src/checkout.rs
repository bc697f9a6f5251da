//! One look at the rows of a checkout. A short statement outside any transaction, so that a pooler may run each look on
//! another connection.

use crate::decide::{Snapshot, State, state};
use chrono::{DateTime, Utc};
use makegood::db::Database;
use makegood::ids::{OrderId, UserId};
use uuid::Uuid;

/// What a look saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The order is there.
    Order(OrderSeen),
    /// It is not, and this is why.
    NoOrder(State),
}

/// An order as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderSeen {
    /// Its id.
    pub id: OrderId,
    /// Its number.
    pub number: String,
    /// The column `status`.
    pub status: String,
    /// How many items, each of one or more pieces.
    pub items_count: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

struct Row {
    intent: String,
    asked: bool,
    order_id: Option<Uuid>,
    order_number: Option<String>,
    order_status: Option<String>,
    order_created_at: Option<DateTime<Utc>>,
    items_count: i64,
    verification: Option<String>,
    job: Option<String>,
    case_open: bool,
    given_back: bool,
}

/// What the buyer's checkout has come to. None when there is no such intent, or it is another buyer's. The connection is
/// given back before this returns.
///
/// # Errors
/// Those of the database.
pub async fn read_checkout(
    database: &Database,
    buyer: UserId,
    payment_intent_id: &str,
) -> Result<Option<Seen>, sqlx::Error> {
    let mut connection = database.acquire().await?;
    let row = sqlx::query_file_as!(Row, "src/checkout.sql", payment_intent_id, buyer.0)
        .fetch_optional(&mut connection)
        .await?;
    Ok(row.map(Row::seen))
}

impl Row {
    fn seen(self) -> Seen {
        let snapshot = Snapshot {
            intent: &self.intent,
            asked: self.asked,
            verification: self.verification.as_deref(),
            job: self.job.as_deref(),
            case_open: self.case_open,
            given_back: self.given_back,
        };
        let state = state(snapshot);
        let order = self
            .order_id
            .zip(self.order_number)
            .zip(self.order_status.zip(self.order_created_at));
        match order {
            Some(((id, number), (status, created_at))) => Seen::Order(OrderSeen {
                id: OrderId(id),
                number,
                status,
                items_count: self.items_count,
                created_at,
            }),
            None => Seen::NoOrder(state),
        }
    }
}
