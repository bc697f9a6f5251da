//! The rows of a course payment, and the entries that tell of them.

use super::clash::Clashes;
use super::entry::{Entry, EntryKind, Status};
use super::payment::PaymentRow;
use super::rows::{Common, Keys};
use super::shares::Shares;
use super::subject::Subject;
use chrono::{DateTime, NaiveDate, Utc};
use makegood::db::Connection;
use serde_json::Value;
use uuid::Uuid;

/// A purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PurchaseRow {
    pub(super) id: Uuid,
    pub(super) payment_id: Option<Uuid>,
    pub(super) student_id: Uuid,
    pub(super) course_id: Uuid,
    pub(super) purchase_tier: i32,
    pub(super) is_active: bool,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) end_reason: Option<String>,
    /// What was chosen and not understood, by field.
    pub(super) not_understood: Option<Value>,
    /// How many sessions this timeline's payment added to it.
    pub(super) extended_by: Option<i32>,
    pub(super) created_at: DateTime<Utc>,
}

/// An allocation with its calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AllocationRow {
    pub(super) id: Uuid,
    pub(super) student_id: Uuid,
    pub(super) course_id: Option<Uuid>,
    pub(super) trainer_id: Option<Uuid>,
    pub(super) status: String,
    pub(super) requested_at: DateTime<Utc>,
    pub(super) allocated_at: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) bought: i32,
    pub(super) used: i64,
    pub(super) ahead: i64,
    pub(super) first_made_at: Option<DateTime<Utc>>,
    pub(super) last_made_at: Option<DateTime<Utc>>,
    pub(super) next_day: Option<NaiveDate>,
}

/// A mark in `processed_events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MarkRow {
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) processed_at: DateTime<Utc>,
}

/// All rows of one course payment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) payment: Option<PaymentRow>,
    pub(super) shares: Shares,
    pub(super) purchases: Vec<PurchaseRow>,
    pub(super) allocations: Vec<AllocationRow>,
    pub(super) clashes: Clashes,
    pub(super) marks: Vec<MarkRow>,
    pub(super) common: Common,
}

impl Course {
    /// Reads them; what is not known comes back empty.
    pub(super) async fn load(
        connection: &mut Connection,
        subject: &Subject,
        today: NaiveDate,
    ) -> Result<Self, sqlx::Error> {
        let (mut payment_id, mut purchase_id, mut allocation_id, mut dead_letter_id) =
            (None, None, None, None);
        match subject {
            Subject::Payment(id) => payment_id = Some(*id),
            Subject::Purchase(id) => purchase_id = Some(*id),
            Subject::Allocation(id) => allocation_id = Some(*id),
            Subject::DeadLetter(id) => dead_letter_id = Some(*id),
            Subject::Intent(_) | Subject::Job(_) => {}
        }
        let payment = PaymentRow::load(&mut *connection, payment_id).await?;
        let shares = Shares::load(&mut *connection, payment_id).await?;
        let pair = payment
            .as_ref()
            .and_then(|payment| Some((payment.student_id, payment.course.as_deref()?.parse().ok()?)));
        let purchases = purchases(&mut *connection, payment_id, purchase_id, pair).await?;
        let pair = pair.or_else(|| {
            let purchase = purchases.first()?;
            Some((purchase.student_id, purchase.course_id))
        });
        let allocations = allocations(&mut *connection, pair, allocation_id, today).await?;
        let ids: Vec<Uuid> = allocations.iter().map(|allocation| allocation.id).collect();
        let clashes = Clashes::load(&mut *connection, &ids, today).await?;
        let keys = keys(payment_id, dead_letter_id, &purchases, &allocations);
        let marks = marks(&mut *connection, &keys).await?;
        let common = Common::load(connection, &keys).await?;
        Ok(Self {
            payment,
            shares,
            purchases,
            allocations,
            clashes,
            marks,
            common,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.payment.is_none()
            && self.purchases.is_empty()
            && self.allocations.is_empty()
            && self.marks.is_empty()
            && self.common.is_empty()
    }

    /// The purchase that this line of time is about: the payment's own, else an active one without a payment.
    pub(super) fn own_purchase(&self, subject: &Subject) -> Option<&PurchaseRow> {
        let is_own = |purchase: &&PurchaseRow| match subject {
            Subject::Payment(id) => purchase.payment_id == Some(*id) || purchase.extended_by.is_some(),
            Subject::Purchase(id) => purchase.id == *id,
            _ => true,
        };
        let unowned = |purchase: &&PurchaseRow| {
            purchase.payment_id.is_none()
                && self
                    .payment
                    .as_ref()
                    .is_some_and(|paid| paid.created_at <= purchase.created_at)
        };
        self.purchases
            .iter()
            .find(is_own)
            .or_else(|| self.purchases.iter().find(unowned))
    }

    /// The allocation that stands, else the one that waits, else the latest.
    pub(super) fn allocation(&self) -> Option<&AllocationRow> {
        self.allocations.iter().max_by_key(|allocation| {
            let rank = match allocation.status.as_str() {
                "approved" | "active" => 3,
                "pending" => 2,
                "completed" => 1,
                _ => 0,
            };
            (rank, allocation.created_at)
        })
    }

    pub(super) fn entries(&self, subject: &Subject) -> Vec<Entry> {
        let payment = self.payment.iter().flat_map(PaymentRow::entries);
        let own = self.own_purchase(subject).map(|purchase| purchase.id);
        let purchases = self
            .purchases
            .iter()
            .flat_map(|purchase| purchase_entries(purchase, Some(purchase.id) == own));
        let allocation =
            |allocation: &AllocationRow| allocation_entries(allocation, &self.clashes.told(allocation.id));
        let allocations = self.allocations.iter().flat_map(allocation);
        let marks = self.marks.iter().map(mark_entry);
        payment
            .chain(
                self.shares
                    .entries(self.payment.as_ref().map(|payment| payment.id)),
            )
            .chain(purchases)
            .chain(allocations)
            .chain(marks)
            .chain(self.common.entries())
            .collect()
    }
}

fn keys(
    payment: Option<Uuid>,
    dead_letter: Option<Uuid>,
    purchases: &[PurchaseRow],
    allocations: &[AllocationRow],
) -> Keys {
    // An older purchase's events carry the purchase's id where no payment is known.
    let correlation = payment.or_else(|| {
        purchases
            .first()
            .map(|purchase| purchase.payment_id.unwrap_or(purchase.id))
    });
    let confirmed = correlation.map(|id| format!("payment:{id}:PURCHASE_CONFIRMED"));
    let created = purchases
        .iter()
        .filter(|purchase| {
            payment.is_none() || purchase.payment_id.is_none_or(|owner| Some(owner) == payment)
        })
        .flat_map(|purchase| ["created", "ended"].map(|what| format!("purchase-{what}-{}", purchase.id)));
    let allocated = allocations
        .iter()
        .map(|allocation| format!("trainer-allocated-{}", allocation.id));
    Keys {
        event_ids: confirmed.into_iter().chain(created).chain(allocated).collect(),
        correlation,
        dead_letter,
        payment: correlation,
        ..Keys::default()
    }
}

fn purchase_entries(purchase: &PurchaseRow, is_own: bool) -> Vec<Entry> {
    let what = match (is_own, purchase.payment_id, purchase.is_active) {
        (true, _, _) => own_purchase(purchase),
        (false, Some(owner), _) => format!("the course is owned already, through payment {owner}"),
        (false, None, _) => "the course is owned already, through an older payment".to_owned(),
    };
    let made = Entry::new(purchase.created_at, EntryKind::Purchase, Status::Happened, what)
        .id("purchaseId", purchase.id)
        .id("studentId", purchase.student_id);
    let ended = purchase.ended_at.map(|at| {
        let reason = purchase.end_reason.as_deref().unwrap_or("no reason noted");
        let what = format!("purchase ended: {}", reason.replace('_', " "));
        Entry::new(at, EntryKind::Purchase, Status::Happened, what).id("purchaseId", purchase.id)
    });
    std::iter::once(made).chain(ended).collect()
}

/// What was bought, how it ended, and what of it could not be read.
fn own_purchase(purchase: &PurchaseRow) -> String {
    let mut what = format!("purchase of {} sessions", purchase.purchase_tier);
    if let Some(extended_by) = purchase.extended_by {
        what = format!("{what}, {extended_by} of them added by this payment");
    }
    if !purchase.is_active {
        let reason = purchase.end_reason.as_deref();
        what = format!(
            "{what}, ended since{}",
            reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
        );
    }
    if let Some(unread) = &purchase.not_understood {
        what = format!("{what}; not understood and so planned by default: {unread}");
    }
    what
}

fn allocation_entries(allocation: &AllocationRow, clashes: &str) -> Vec<Entry> {
    let entry = |at: Option<DateTime<Utc>>, kind, status, what: String| {
        Entry::new(at, kind, status, what).id("allocationId", allocation.id)
    };
    let state = match allocation.status.as_str() {
        "pending" => entry(
            Some(allocation.requested_at),
            EntryKind::Allocation,
            Status::Pending,
            "waiting for a trainer to be free".to_owned(),
        ),
        status => {
            let trainer = allocation
                .trainer_id
                .map_or("no trainer".to_owned(), |id| format!("trainer {id}"));
            entry(
                Some(allocation.allocated_at.unwrap_or(allocation.created_at)),
                EntryKind::Allocation,
                Status::Happened,
                format!("allocation {status}, {trainer}"),
            )
        }
    };
    let sessions = allocation.last_made_at.map(|at| {
        let next = allocation.next_day.map_or("none ahead".to_owned(), |day| {
            format!("{} ahead, next on {day}", allocation.ahead)
        });
        entry(
            Some(at),
            EntryKind::Sessions,
            Status::Happened,
            format!(
                "{} of {} sessions used or planned, {next}{clashes}",
                allocation.used, allocation.bought
            ),
        )
    });
    std::iter::once(state).chain(sessions).collect()
}

fn mark_entry(mark: &MarkRow) -> Entry {
    Entry::new(
        mark.processed_at,
        EntryKind::Processed,
        Status::Happened,
        format!("{} marked as processed", mark.event_type),
    )
    .id("eventId", &mark.event_id)
}

async fn purchases(
    connection: &mut Connection,
    payment: Option<Uuid>,
    purchase: Option<Uuid>,
    pair: Option<(Uuid, Uuid)>,
) -> Result<Vec<PurchaseRow>, sqlx::Error> {
    let (student, course) = pair.unzip();
    sqlx::query_file_as!(
        PurchaseRow,
        "src/timeline/sql/purchases.sql",
        payment,
        purchase,
        student,
        course
    )
    .fetch_all(connection)
    .await
}

async fn allocations(
    connection: &mut Connection,
    pair: Option<(Uuid, Uuid)>,
    allocation: Option<Uuid>,
    today: NaiveDate,
) -> Result<Vec<AllocationRow>, sqlx::Error> {
    let (student, course) = pair.unzip();
    sqlx::query_file_as!(
        AllocationRow,
        "src/timeline/sql/allocations.sql",
        student,
        course,
        allocation,
        today
    )
    .fetch_all(connection)
    .await
}

async fn marks(connection: &mut Connection, keys: &Keys) -> Result<Vec<MarkRow>, sqlx::Error> {
    sqlx::query_as!(
        MarkRow,
        "SELECT event_id, event_type, processed_at FROM processed_events
         WHERE correlation_id = $1 OR event_id = ANY($2) ORDER BY processed_at, event_id LIMIT 50",
        keys.correlation,
        &keys.event_ids,
    )
    .fetch_all(connection)
    .await
}
