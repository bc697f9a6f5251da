//! Sends a dead letter back to where it came from: claim under a lease, commit, send, mark.

use super::consumer::{Judged, judge};
use super::decide::{Candidate, Ready};
use super::replaced::Replaced;
use super::{DeadLetterId, Destinations, Edit, Refusal, claim, send};
use crate::audit::{self, Act, Action};
use crate::edit::{self, Change, EditId};
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use chrono::{DateTime, Utc};
use makegood::config::Environment;
use makegood::db::{Connection, Database, Transaction};
use makegood::limits;
use serde::Serialize;
use serde_json::{Value, json};

/// `yes` when a stack has one operator, so that no second one can confirm an edit.
pub const SINGLE_OPERATOR: &str = "SINGLE_OPERATOR";

/// What sends dead letters back.
#[derive(Debug, Clone)]
pub struct Replayer {
    /// Where the dead letters are.
    pub database: Database,
    /// SQS.
    pub sqs: Client,
    /// Where they may go back to.
    pub destinations: Destinations,
    /// `SINGLE_OPERATOR`: whether an edit needs no other operator, since there is none.
    pub single_operator: bool,
}

/// What became of the replay of one dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
#[must_use]
pub enum Replay {
    /// It is in its queue again.
    Sent {
        /// The queue's name.
        queue: String,
        /// For the how-manieth time.
        generation: i32,
    },
    /// It was not sent, and nothing was changed.
    Refused {
        /// See [`Refusal::code`].
        code: &'static str,
        /// For a person.
        reason: String,
    },
    /// Its queue did not take it. It is parked as before, an edited payload kept; the try is on the record.
    NotSent {
        /// What SQS said.
        reason: String,
    },
    /// It was not sent: it waits for another operator.
    Waits {
        /// The edit to be confirmed.
        edit: EditId,
        /// What it changes.
        changes: Vec<Change>,
    },
}

impl Replay {
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self::Refused {
            code: refusal.code(),
            reason: refusal.to_string(),
        }
    }
}

/// Dead letters that were claimed: what is to be sent, and the lease under which.
pub(super) struct ClaimedDeadLetters {
    pub ready: Vec<Ready>,
    pub lease: DateTime<Utc>,
}

impl Replayer {
    /// With the queues of `QUEUE_URL_<TOPIC>` and `JOBS_QUEUE_URL`, those that are set.
    #[must_use]
    pub fn read(environment: &Environment, aws: &SdkConfig, database: Database) -> Self {
        Self {
            database,
            sqs: limits::queues(aws),
            destinations: Destinations::read(environment),
            single_operator: environment.optional(SINGLE_OPERATOR).as_deref() == Some("yes"),
        }
    }

    /// What [`Replayer::replay`] would do with this dead letter. Changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn preview(
        &self,
        id: DeadLetterId,
        edit: Option<&Edit>,
        forced: bool,
    ) -> Result<Result<super::Destination, Refusal>, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        let found = claim::lock_parked(&mut transaction, id.0).await?;
        let judged = self.judge_one(&mut transaction, found, edit, forced).await?;
        transaction.rollback().await?;
        Ok(judged.map(|ready| ready.destination))
    }

    pub(super) async fn judge_one(
        &self,
        connection: &mut Connection,
        found: Result<Candidate, Refusal>,
        edit: Option<&Edit>,
        forced: bool,
    ) -> Result<Judged, sqlx::Error> {
        let found = match found {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let judged = judge(connection, &[found], edit, &self.destinations, forced).await?;
        Ok(judged.into_iter().next().unwrap_or(Err(Refusal::NotFound)))
    }

    /// Sends one dead letter back to its source, with another payload if it is edited: that is read as the function there reads
    /// it, and refused with the field's name if it would be refused. Both payloads are kept, the old one in the audit log. An edit that
    /// changes who, what or how much is not sent: it waits for another operator ([`Replayer::confirm`]), unless there is none.
    /// `forced` lets a dead letter pass that came back [`super::MOST_GENERATIONS`] times.
    ///
    /// # Errors
    /// Those of the database. When it fails after the sending, the dead letter is in its queue and still parked here; replaying
    /// it again is safe.
    pub async fn replay(
        &self,
        id: DeadLetterId,
        edit: Option<&Edit>,
        forced: bool,
        act: &Act,
    ) -> Result<Replay, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        let found = claim::lock_parked(&mut transaction, id.0).await?;
        let original = found
            .as_ref()
            .ok()
            .and_then(|dead_letter| dead_letter.raw.clone());
        let ready = match self.judge_one(&mut transaction, found, edit, forced).await? {
            Ok(ready) => ready,
            Err(refusal) => return Ok(Replay::refused(&refusal)),
        };
        let Some(edit) = edit else {
            let details = details(&ready, forced);
            return self.send_one(transaction, ready, details, act).await;
        };
        let changes = edit::changes(original.as_deref(), &edit.body);
        if !changes.is_empty() && !self.single_operator {
            let replaced = Replaced::of(original.as_deref(), ready.generation);
            let proposed = self
                .propose(&mut transaction, &ready, &replaced, &changes, forced, act)
                .await?;
            transaction.commit().await?;
            return Ok(proposed);
        }
        let mut details = self
            .keep_edited(&mut transaction, &ready, original.as_deref(), forced)
            .await?;
        if !changes.is_empty() {
            details["singleOperator"] = json!(true);
        }
        self.send_one(transaction, ready, details, act).await
    }

    /// Keeps the new body of a locked dead letter; gives back what the audit log keeps of it.
    pub(super) async fn keep_edited(
        &self,
        connection: &mut Connection,
        ready: &Ready,
        original: Option<&str>,
        forced: bool,
    ) -> Result<Value, sqlx::Error> {
        claim::keep_edited(connection, ready.id, &ready.body).await?;
        let mut details = details(ready, forced);
        details["originalPayload"] = json!(original);
        details["editedPayload"] = json!(ready.body);
        Ok(details)
    }

    /// Claims a locked dead letter with its row in the audit log, commits, and sends it.
    pub(super) async fn send_one(
        &self,
        mut transaction: Transaction,
        ready: Ready,
        details: Value,
        act: &Act,
    ) -> Result<Replay, sqlx::Error> {
        let id = DeadLetterId(ready.id);
        audit::record(
            &mut transaction,
            act,
            Action::ReplayDeadLetter,
            &id.subject(),
            &details,
        )
        .await?;
        let lease = claim::claim(&mut transaction, &[id.0]).await?;
        transaction.commit().await?;
        let claimed = ClaimedDeadLetters {
            ready: vec![ready],
            lease,
        };
        let mut outcomes = self.send_claimed(claimed, act).await?;
        Ok(outcomes
            .pop()
            .map_or_else(|| Replay::refused(&Refusal::NotFound), |(_, outcome)| outcome))
    }

    /// Sends what is claimed, outside any transaction, and marks what went; what did not go is released, and on the record.
    pub(super) async fn send_claimed(
        &self,
        claimed: ClaimedDeadLetters,
        act: &Act,
    ) -> Result<Vec<(DeadLetterId, Replay)>, sqlx::Error> {
        let results = send::send(&self.sqs, &claimed.ready).await;
        let outcomes: Vec<(DeadLetterId, i32, Replay)> = claimed
            .ready
            .into_iter()
            .zip(results)
            .map(|(dead_letter, result)| {
                let outcome = match result {
                    Ok(()) => Replay::Sent {
                        queue: dead_letter.destination.queue,
                        generation: dead_letter.generation,
                    },
                    Err(reason) => Replay::NotSent { reason },
                };
                (DeadLetterId(dead_letter.id), dead_letter.generation, outcome)
            })
            .collect();
        let mut transaction = self.database.begin().await?;
        let (sent, generations): (Vec<_>, Vec<_>) = outcomes
            .iter()
            .filter(|(_, _, outcome)| matches!(outcome, Replay::Sent { .. }))
            .map(|(id, generation, _)| (id.0, *generation))
            .unzip();
        claim::mark_sent_if_waiting(&mut transaction, &sent, &generations).await?;
        let failed: Vec<_> = outcomes.iter().filter_map(failed_try).collect();
        let ids: Vec<_> = failed.iter().map(|(id, _)| id.0).collect();
        claim::release_if_owned(&mut transaction, &ids, claimed.lease).await?;
        let tries: Vec<_> = failed
            .into_iter()
            .map(|(id, details)| (id.subject(), details))
            .collect();
        audit::record_all(&mut transaction, act, Action::FailedToReplayDeadLetter, &tries).await?;
        transaction.commit().await?;
        Ok(outcomes
            .into_iter()
            .map(|(id, _, outcome)| (id, outcome))
            .collect())
    }
}

/// What the audit log keeps of a replay.
pub(super) fn details(ready: &Ready, forced: bool) -> Value {
    json!({"queue": ready.destination.queue, "generation": ready.generation, "forced": forced})
}

fn failed_try((id, generation, outcome): &(DeadLetterId, i32, Replay)) -> Option<(DeadLetterId, Value)> {
    match outcome {
        Replay::NotSent { reason } => Some((*id, json!({"generation": generation, "reason": reason}))),
        Replay::Sent { .. } | Replay::Refused { .. } | Replay::Waits { .. } => None,
    }
}
