//! Lists dead letters, and shows one.

use super::decide::body_of;
use super::{DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterRow, DeadLetterStatus, NONE};
use crate::page::{Cursor, Page, PageRequest};
use makegood::db::Connection;

/// Lists dead letters, the newest first. Each page is a walk along one index for each wanted status, or along the few dead letters of
/// an event or a payment.
///
/// # Errors
/// Those of the database.
pub async fn list(
    connection: &mut Connection,
    filter: &DeadLetterFilter,
    request: &PageRequest,
) -> Result<Page<DeadLetterRow>, sqlx::Error> {
    let before = request.after.unwrap_or(Cursor::NEWEST);
    let (since, until) = filter.range();
    let statuses = DeadLetterStatus::wanted(filter.status);
    let event = filter.event_id.as_deref();
    let rows = match (event.filter(|event| *event != NONE), filter.correlation_id) {
        (Some(event), _) => of_event(connection, filter, &statuses, before, request.reading(), event).await?,
        (None, Some(correlation)) => {
            sqlx::query_file_as!(
                DeadLetterRow,
                "src/dead_letter/of_correlation.sql",
                &statuses,
                before.at,
                before.id,
                filter.source.as_deref(),
                filter.function.as_deref(),
                filter.error_code.as_deref(),
                filter.event_type.as_deref(),
                since,
                until,
                request.reading(),
                correlation,
                event,
            )
            .fetch_all(connection)
            .await?
        }
        (None, None) => {
            sqlx::query_file_as!(
                DeadLetterRow,
                "src/dead_letter/of_status.sql",
                &statuses,
                before.at,
                before.id,
                filter.source.as_deref(),
                filter.function.as_deref(),
                filter.error_code.as_deref(),
                filter.event_type.as_deref(),
                since,
                until,
                request.reading(),
                event,
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(request.page(rows, |row| Cursor {
        at: row.parked_at,
        id: row.id,
    }))
}

/// Those of one event.
async fn of_event(
    connection: &mut Connection,
    filter: &DeadLetterFilter,
    statuses: &[String],
    before: Cursor,
    most: i64,
    event: &str,
) -> Result<Vec<DeadLetterRow>, sqlx::Error> {
    let (since, until) = filter.range();
    sqlx::query_file_as!(
        DeadLetterRow,
        "src/dead_letter/of_event.sql",
        statuses,
        before.at,
        before.id,
        filter.source.as_deref(),
        filter.function.as_deref(),
        filter.error_code.as_deref(),
        filter.event_type.as_deref(),
        since,
        until,
        most,
        event,
        filter.correlation_id,
    )
    .fetch_all(connection)
    .await
}

/// One dead letter; none when there is no such.
///
/// # Errors
/// Those of the database.
pub async fn show(connection: &mut Connection, id: DeadLetterId) -> Result<Option<DeadLetter>, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT id, source, message_id, function_name, event_type, event_id, correlation_id, failure_reason, error_code,
                  permanent, attempts, raw, document, status AS "status: DeadLetterStatus", replay_count, parked_at, replayed_at,
                  claimed_until, document ->> 'rawEncoding' AS raw_encoding
           FROM dead_letters WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|found| DeadLetter {
        body: body_of(found.raw.as_deref(), found.raw_encoding.as_deref()).ok(),
        message_id: found.message_id,
        document: found.document,
        row: DeadLetterRow {
            id: found.id,
            source: found.source,
            function_name: found.function_name,
            event_type: found.event_type,
            event_id: found.event_id,
            correlation_id: found.correlation_id,
            failure_reason: found.failure_reason,
            error_code: found.error_code,
            permanent: found.permanent,
            attempts: found.attempts,
            status: found.status,
            replay_count: found.replay_count,
            parked_at: found.parked_at,
            replayed_at: found.replayed_at,
            claimed_until: found.claimed_until,
        },
    }))
}
