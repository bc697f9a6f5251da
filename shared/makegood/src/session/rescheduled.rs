//! `SESSIONS_RESCHEDULED`, of what was moved.

use super::filling::{Filling, correlation};
use super::replan::Move;
use super::store::Allocation;
use crate::event::{Envelope, EventType, RescheduledSession, SessionsRescheduled};
use crate::ids::{AllocationId, CorrelationId};
use crate::outbox::OutboxEvent;
use chrono::Utc;
use std::collections::HashMap;

/// One event an allocation, of all that was moved for it.
pub(super) fn outbox_events(
    allocations: &[Allocation],
    moves: &[(AllocationId, Move)],
    filling: &Filling,
) -> Vec<OutboxEvent> {
    let mut by_allocation: HashMap<AllocationId, Vec<&Move>> = HashMap::new();
    for (allocation, moved) in moves {
        by_allocation.entry(*allocation).or_default().push(moved);
    }
    let of = |allocation: &Allocation| outbox_event(allocation, by_allocation.get(&allocation.id)?, filling);
    allocations.iter().filter_map(of).collect()
}

fn outbox_event(allocation: &Allocation, moves: &[&Move], filling: &Filling) -> Option<OutboxEvent> {
    let correlation_id = correlation(allocation, filling);
    // The same sessions may be moved there and back, so no name of what was moved is one of this fact.
    let event_id = SessionsRescheduled::event_id(allocation.id, uuid::Uuid::now_v7());
    let now = filling.now.with_timezone(&Utc);
    let mut sessions: Vec<RescheduledSession> = moves.iter().map(|moved| told(moved)).collect();
    sessions.sort_by_key(|session| (session.from_date, session.session_id));
    let event = SessionsRescheduled {
        allocation_id: allocation.id,
        trainer_id: allocation.trainer?,
        student_id: allocation.student,
        course_id: allocation.course?,
        sessions,
        envelope: Envelope::published(event_id.clone(), correlation_id.clone(), filling.source, now),
    };
    Some(OutboxEvent {
        event_id,
        event_type: EventType::SessionsRescheduled,
        correlation: CorrelationId::from_text(&correlation_id),
        payload: event.to_json(),
    })
}

fn told(moved: &Move) -> RescheduledSession {
    let session = &moved.session;
    RescheduledSession {
        session_id: session.id,
        reason: moved.reason.wire_name().to_owned(),
        trainer_id: moved.trainer,
        from_date: session.day,
        from_time: session.slot.to_string(),
        to_date: moved.to.as_ref().map(|(day, _)| *day),
        to_time: moved.to.as_ref().map(|(_, slot)| slot.to_string()),
    }
}
