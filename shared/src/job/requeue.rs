//! A second run for a job that ended without doing its work.

use super::JobId;
use crate::db::Connection;

/// How many attempts a requeued job gets.
const ATTEMPTS: i32 = 3;

/// Makes a job that failed or completed runnable again, once in its life: a job that was requeued before stays as it is. False
/// when nothing was changed. Whoever calls this has seen, under the intent's lock, that the work is not done and that no case
/// gives it to a person.
///
/// `enqueue` can't do this: the same key is the same job, whatever became of it. `attempts` is left alone: its number is part
/// of the guard and never comes twice.
///
/// # Errors
/// Those of the database.
pub async fn requeue_ended_job_once(connection: &mut Connection, id: JobId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"UPDATE job_queue
           SET status = 'pending', scheduled_for = now(), failed_at = NULL, completed_at = NULL, updated_at = now(),
               max_attempts = attempts + $2, payload = payload || '{"requeued": true}'
           WHERE id = $1 AND status IN ('failed', 'completed') AND NOT payload ? 'requeued'"#,
        id.0,
        ATTEMPTS,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
