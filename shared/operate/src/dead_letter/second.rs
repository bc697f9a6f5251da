//! Edits that another operator confirms before they are sent.

use super::decide::Ready;
use super::replaced::Replaced;
use super::{DeadLetterId, Edit, Refusal, Replay, Replayer, claim};
use crate::audit::{self, Act, Action};
use crate::edit::{self, Change, EditId, EditRefusal, EditStatus, NewEdit, ProposedEdit, is_second};
use makegood::db::Transaction;
use makegood::event::Event;
use makegood::ids::CorrelationId;
use makegood::outbox::{OutboxRow, SqsTransport, Transport};
use serde_json::{Value, json};
use std::collections::HashMap;

impl Replayer {
    /// Keeps an edit of a locked dead letter for another operator.
    pub(super) async fn propose(
        &self,
        transaction: &mut Transaction,
        ready: &Ready,
        replaced: &Replaced,
        changes: &[Change],
        forced: bool,
        act: &Act,
    ) -> Result<Replay, sqlx::Error> {
        let Some(caller) = &act.caller else {
            return Ok(Replay::refused(&Refusal::NoCaller));
        };
        let edit = NewEdit {
            subject: &DeadLetterId(ready.id).subject(),
            body: &ready.body,
            replaces: Some(replaced.0.clone()),
            changes,
            forced,
        };
        let proposed = edit::propose(transaction, &edit, caller.as_str(), act).await?;
        Ok(match proposed {
            Ok(edit) => Replay::Waits {
                edit,
                changes: changes.to_vec(),
            },
            Err(waiting) => Replay::refused(&Refusal::EditWaits { edit: waiting }),
        })
    }

    /// Keeps an event from a file for another operator; gives back the edit, or the one of this event that waits already.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn propose_event(
        &self,
        event: &Event,
        payload: &Value,
        act: &Act,
    ) -> Result<Result<EditId, Refusal>, sqlx::Error> {
        let Some(caller) = &act.caller else {
            return Ok(Err(Refusal::NoCaller));
        };
        let body = payload.to_string();
        let edit = NewEdit {
            subject: &event_subject(&event.envelope().event_id),
            body: &body,
            replaces: None,
            changes: &edit::changes(None, &body),
            forced: false,
        };
        let mut transaction = self.database.begin().await?;
        let proposed = edit::propose(&mut transaction, &edit, caller.as_str(), act).await?;
        transaction.commit().await?;
        Ok(proposed.map_err(|waiting| Refusal::EditWaits { edit: waiting }))
    }

    /// Sends what another operator proposed: the person of this act must be a second one ([`is_second`]). The dead letter is looked at
    /// again, as at any replay. Locks the dead letter, then the edit.
    ///
    /// # Errors
    /// Those of the database. When it fails after the sending, confirming again is safe for an event, and replaying the dead letter.
    pub async fn confirm(&self, id: EditId, act: &Act) -> Result<Result<Replay, EditRefusal>, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        let Some(seen) = edit::show(&mut transaction, id).await? else {
            return Ok(Err(EditRefusal::NotFound));
        };
        let found = match seen.dead_letter() {
            Some(dead_letter) => Some(claim::lock_parked(&mut transaction, dead_letter).await?),
            None => None,
        };
        let edit = match edit::lock_pending(&mut transaction, id).await? {
            Ok(edit) => edit,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = is_second(&edit, act) {
            return Ok(Err(refusal.into()));
        }
        let Some(found) = found else {
            return self.confirm_event(transaction, &edit, act).await.map(Ok);
        };
        let original = found
            .as_ref()
            .ok()
            .and_then(|dead_letter| dead_letter.raw.clone());
        let typed = Edit {
            body: edit.body.clone().unwrap_or_default(),
        };
        let judged = self
            .judge_one(&mut transaction, found, Some(&typed), edit.forced)
            .await?;
        let ready = match judged {
            Ok(ready) => ready,
            Err(refusal) => return Ok(Ok(Replay::refused(&refusal))),
        };
        let now = Replaced::of(original.as_deref(), ready.generation);
        if edit.replaces.as_ref() != Some(&now.0) {
            return Ok(Err(EditRefusal::Outdated));
        }
        let mut details = self
            .keep_edited(&mut transaction, &ready, original.as_deref(), edit.forced)
            .await?;
        add_proposal(&mut details, &edit);
        edit::decide(&mut transaction, id, EditStatus::Confirmed, act).await?;
        self.send_one(transaction, ready, details, act).await.map(Ok)
    }

    /// Sends an event that was proposed: first it is on the record, then it is sent, then the edit is confirmed, so that nothing that was
    /// not sent counts as such.
    async fn confirm_event(
        &self,
        mut transaction: Transaction,
        edit: &ProposedEdit,
        act: &Act,
    ) -> Result<Replay, sqlx::Error> {
        let body = edit.body.clone().unwrap_or_default();
        let event = match Event::parse(&body) {
            Ok(event) => event,
            Err(error) => return Ok(Replay::refused(&Refusal::Payload(error))),
        };
        let queues = self.destinations.of_event(event.event_type());
        let topic = event.event_type().topic();
        if queues.is_empty() {
            let source_queue = topic.to_owned();
            return Ok(Replay::refused(&Refusal::NoDestination { source_queue }));
        }
        let mut details = json!({"eventType": event.event_type().wire_name(), "queues": queues});
        add_proposal(&mut details, edit);
        audit::record(
            &mut transaction,
            act,
            Action::ReplayEvent,
            &edit.subject,
            &details,
        )
        .await?;
        transaction.commit().await?;
        let row = OutboxRow {
            id: 0,
            event_id: event.envelope().event_id.clone(),
            event_type: event.event_type().wire_name().to_owned(),
            topic: topic.to_owned(),
            correlation: CorrelationId::from_text(&event.envelope().correlation_id),
            payload: serde_json::from_str(&body).unwrap_or_default(),
        };
        let routes = HashMap::from([(topic.to_owned(), queues.clone())]);
        let transport = Transport::Sqs(SqsTransport::new(self.sqs.clone(), routes));
        if let Some(Err(reason)) = transport.send(&[row]).await.pop() {
            return Ok(Replay::NotSent { reason });
        }
        let mut transaction = self.database.begin().await?;
        edit::decide(&mut transaction, EditId(edit.id), EditStatus::Confirmed, act).await?;
        transaction.commit().await?;
        Ok(Replay::Sent {
            queue: queues.join(", "),
            generation: 1,
        })
    }
}

fn add_proposal(details: &mut Value, edit: &ProposedEdit) {
    details["edit"] = json!(edit.id);
    details["proposedBy"] = json!(edit.proposed_by);
    details["proposedAs"] = json!(edit.caller);
    details["proposedFor"] = json!(edit.reason);
}

/// As the audit log and the edits name an event from a file.
#[must_use]
pub fn event_subject(event_id: &str) -> String {
    const LONGEST_SUBJECT: usize = 200;
    let id: String = event_id.chars().take(LONGEST_SUBJECT).collect();
    format!("event:{id}")
}
