//! `dead_letters`: the table that does not expire.

use crate::Letter;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use serde_json::Value;
use uuid::Uuid;

/// The columns that this function writes, to be compared with the live catalogue.
pub const COLUMNS: &[(&str, &[&str])] = &[(
    "dead_letters",
    &[
        "source",
        "message_id",
        "function_name",
        "event_type",
        "event_id",
        "correlation_id",
        "failure_reason",
        "error_code",
        "permanent",
        "attempts",
        "raw",
        "document",
        "parked_at",
        "id",
        "status",
        "replay_count",
        "replayed_at",
        "claimed_until",
    ],
)];

/// Files the letters, in one statement. Gives back the error code of each that is parked by it: a new row, or one that was
/// sent back and failed again. A message filed before keeps its row, whatever became of it since.
///
/// # Errors
/// Those of the database; nothing is filed then.
pub async fn file_letters(
    connection: &mut Connection,
    letters: &[Letter],
) -> Result<Vec<Option<String>>, sqlx::Error> {
    let texts = |of: fn(&Letter) -> &str| -> Vec<String> {
        letters.iter().map(|letter| of(letter).to_owned()).collect()
    };
    let optional = |of: fn(&Letter) -> &Option<String>| -> Vec<Option<String>> {
        letters.iter().map(|letter| of(letter).clone()).collect()
    };
    let correlations: Vec<Option<Uuid>> = letters
        .iter()
        .map(|letter| letter.correlation.map(|id| id.0))
        .collect();
    let permanent: Vec<bool> = letters.iter().map(|letter| letter.permanent).collect();
    let attempts: Vec<i32> = letters.iter().map(|letter| letter.attempts).collect();
    let documents: Vec<Option<Value>> = letters.iter().map(|letter| letter.document.clone()).collect();
    let parked_at: Vec<DateTime<Utc>> = letters.iter().map(|letter| letter.parked_at).collect();
    let replay_of: Vec<Option<Uuid>> = letters
        .iter()
        .map(|letter| letter.replay.map(|mark| mark.letter_id))
        .collect();
    let generations: Vec<Option<i32>> = letters
        .iter()
        .map(|letter| letter.replay.map(|mark| mark.generation))
        .collect();
    let filed = sqlx::query_file!(
        "src/file_letters.sql",
        &texts(|letter| &letter.source),
        &texts(|letter| &letter.message_id),
        &optional(|letter| &letter.function_name) as &[Option<String>],
        &optional(|letter| &letter.event_type) as &[Option<String>],
        &optional(|letter| &letter.event_id) as &[Option<String>],
        &correlations as &[Option<Uuid>],
        &texts(|letter| &letter.failure_reason),
        &texts(|letter| &letter.error_code),
        &permanent,
        &attempts,
        &optional(|letter| &letter.raw) as &[Option<String>],
        &documents as &[Option<Value>],
        &parked_at,
        &replay_of as &[Option<Uuid>],
        &generations as &[Option<i32>],
    )
    .fetch_all(connection)
    .await?;
    Ok(filed.into_iter().map(|row| row.error_code).collect())
}
