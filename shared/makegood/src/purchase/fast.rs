//! The fast path: one statement that commits by itself, arbitrated by the verified index.

use super::request::PurchaseRequest;
use crate::db::Connection;
use crate::event::Envelope;
use crate::idempotency::clip;
use crate::outbox::LEASE_SECONDS;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// The columns of a batch, as the statements take them.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) purchase_ids: Vec<Uuid>,
    pub(super) payment_ids: Vec<Uuid>,
    pub(super) student_ids: Vec<Uuid>,
    pub(super) course_ids: Vec<Uuid>,
    pub(super) tiers: Vec<i32>,
    pub(super) expiries: Vec<Option<DateTime<Utc>>>,
    pub(super) metadata: Vec<Value>,
    pub(super) event_ids: Vec<String>,
    pub(super) event_correlations: Vec<Uuid>,
    pub(super) events: Vec<Value>,
    pub(super) sources: Vec<String>,
    pub(super) versions: Vec<String>,
    pub(super) outbox_event_ids: Vec<String>,
    pub(super) outbox_events: Vec<Value>,
}

impl Columns {
    pub(super) fn of(requests: &[PurchaseRequest], now: DateTime<Utc>) -> Self {
        let mut columns = Self::default();
        for request in requests {
            let event = &request.event;
            let Envelope {
                event_id,
                source,
                version,
                ..
            } = &event.envelope;
            let outbox_event = request.outbox_event(request.purchase_id, now);
            columns.purchase_ids.push(request.purchase_id.0);
            columns.payment_ids.push(event.payment_id.0);
            columns.student_ids.push(event.student_id.0);
            columns.course_ids.push(event.course_id.0);
            columns.tiers.push(request.tier);
            columns.expiries.push(request.expiry);
            columns.metadata.push(request.metadata.to_json());
            columns.event_ids.push(event_id.clone());
            columns.event_correlations.push(event.envelope.correlation().0);
            columns.events.push(event.to_json());
            columns.sources.push(clip(source, 100));
            columns.versions.push(clip(version, 20));
            columns.outbox_event_ids.push(outbox_event.event_id);
            columns.outbox_events.push(outbox_event.payload);
        }
        columns
    }
}

/// What became of one request in a writing statement.
pub(super) struct Written {
    pub(super) purchase_id: Uuid,
    pub(super) made: bool,
    pub(super) newly_marked: bool,
    pub(super) outbox_id: Option<i64>,
}

/// Makes what is free to be made, in one statement that commits by itself. Takes the index entries in the order of the
/// key. 42P10 when the index is gone since it was verified.
pub(super) async fn create_committed(
    connection: &mut Connection,
    columns: &Columns,
) -> Result<Vec<Written>, sqlx::Error> {
    sqlx::query_file_as!(
        Written,
        "src/purchase/create_fast.sql",
        &columns.purchase_ids,
        &columns.payment_ids,
        &columns.student_ids,
        &columns.course_ids,
        &columns.tiers,
        &columns.expiries as &[Option<DateTime<Utc>>],
        &columns.metadata,
        &columns.event_ids,
        &columns.event_correlations,
        &columns.events,
        &columns.sources,
        &columns.versions,
        &columns.outbox_event_ids,
        &columns.outbox_events,
        f64::from(LEASE_SECONDS),
    )
    .fetch_all(connection)
    .await
}
