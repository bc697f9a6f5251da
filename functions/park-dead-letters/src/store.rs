//! `dead_letters`: the table that does not expire.

use crate::NewDeadLetter;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use serde_json::Value;
use uuid::Uuid;

/// Files the dead letters, in one statement. Gives back the error code of each that is parked by it: a new row, or one that was
/// sent back and failed again. A message filed before keeps its row, whatever became of it since.
///
/// # Errors
/// Those of the database; nothing is filed then.
pub async fn file_dead_letters(
    connection: &mut Connection,
    dead_letters: &[NewDeadLetter],
) -> Result<Vec<Option<String>>, sqlx::Error> {
    let texts = |of: fn(&NewDeadLetter) -> &str| -> Vec<String> {
        dead_letters
            .iter()
            .map(|dead_letter| of(dead_letter).to_owned())
            .collect()
    };
    let optional = |of: fn(&NewDeadLetter) -> &Option<String>| -> Vec<Option<String>> {
        dead_letters
            .iter()
            .map(|dead_letter| of(dead_letter).clone())
            .collect()
    };
    let correlations: Vec<Option<Uuid>> = dead_letters
        .iter()
        .map(|dead_letter| dead_letter.correlation.map(|id| id.0))
        .collect();
    let permanent: Vec<bool> = dead_letters
        .iter()
        .map(|dead_letter| dead_letter.permanent)
        .collect();
    let attempts: Vec<i32> = dead_letters
        .iter()
        .map(|dead_letter| dead_letter.attempts)
        .collect();
    let documents: Vec<Option<Value>> = dead_letters
        .iter()
        .map(|dead_letter| dead_letter.document.clone())
        .collect();
    let parked_at: Vec<DateTime<Utc>> = dead_letters
        .iter()
        .map(|dead_letter| dead_letter.parked_at)
        .collect();
    let replay_of: Vec<Option<Uuid>> = dead_letters
        .iter()
        .map(|dead_letter| dead_letter.replay.map(|mark| mark.dead_letter_id))
        .collect();
    let generations: Vec<Option<i32>> = dead_letters
        .iter()
        .map(|dead_letter| dead_letter.replay.map(|mark| mark.generation))
        .collect();
    let filed = sqlx::query_file!(
        "src/file_dead_letters.sql",
        &texts(|dead_letter| &dead_letter.source),
        &texts(|dead_letter| &dead_letter.message_id),
        &optional(|dead_letter| &dead_letter.function_name) as &[Option<String>],
        &optional(|dead_letter| &dead_letter.event_type) as &[Option<String>],
        &optional(|dead_letter| &dead_letter.event_id) as &[Option<String>],
        &correlations as &[Option<Uuid>],
        &texts(|dead_letter| &dead_letter.failure_reason),
        &texts(|dead_letter| &dead_letter.error_code),
        &permanent,
        &attempts,
        &optional(|dead_letter| &dead_letter.raw) as &[Option<String>],
        &documents as &[Option<Value>],
        &parked_at,
        &replay_of as &[Option<Uuid>],
        &generations as &[Option<i32>],
    )
    .fetch_all(connection)
    .await?;
    Ok(filed.into_iter().map(|row| row.error_code).collect())
}
