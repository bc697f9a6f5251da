//! What is booked for allocations: their own sessions, and those of earlier allocations of the same purchase.

use super::next_sessions::Booked;
use super::replan::{Ahead, Left, Move};
use super::slot::TimeSlot;
use crate::db::Connection;
use crate::ids::{AllocationId, SessionId, TrainerId};
use chrono::NaiveDate;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What is booked for one allocation.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    pub(super) used: u32,
    /// What earlier allocations of its purchase have used.
    pub(super) used_earlier: u32,
    pub(super) ahead: Vec<Booked>,
    pub(super) sessions: Vec<Ahead>,
}

/// The calendars of these allocations from this day on.
pub(super) async fn load_calendars(
    connection: &mut Connection,
    allocations: &[Uuid],
    today: NaiveDate,
) -> Result<HashMap<Uuid, Calendar>, sqlx::Error> {
    let mut calendars: HashMap<Uuid, Calendar> = HashMap::with_capacity(allocations.len());
    let rows = sqlx::query_file!("src/session/booked.sql", allocations, today)
        .fetch_all(&mut *connection)
        .await?;
    for row in rows {
        let calendar = calendars.entry(row.allocation_id).or_default();
        calendar.used = u32::try_from(row.used).unwrap_or(u32::MAX);
        let who = row.ids.into_iter().zip(row.trainers);
        let when = row.days.into_iter().zip(row.times);
        let state = row.scheduled.into_iter().zip(row.edited).zip(row.planned);
        for (((id, trainer), (day, time)), ((scheduled, is_edited), is_planned)) in who.zip(when).zip(state) {
            let slot = TimeSlot::booked(&time);
            if scheduled {
                calendar.sessions.push(Ahead {
                    id: SessionId(id),
                    day,
                    slot: slot.clone(),
                    trainer: TrainerId(trainer),
                    is_edited,
                    is_planned,
                    left: None,
                });
            }
            calendar.ahead.push(Booked { day, slot, scheduled });
        }
    }
    add_earlier(connection, allocations, today, &mut calendars).await?;
    for calendar in calendars.values_mut() {
        calendar.sessions.sort_by_key(|session| (session.day, session.id));
    }
    Ok(calendars)
}

async fn add_earlier(
    connection: &mut Connection,
    allocations: &[Uuid],
    today: NaiveDate,
    calendars: &mut HashMap<Uuid, Calendar>,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query_file!("src/session/earlier.sql", allocations, today)
        .fetch_all(connection)
        .await?;
    for row in rows {
        let calendar = calendars.entry(row.allocation_id).or_default();
        calendar.used_earlier = u32::try_from(row.used).unwrap_or(u32::MAX);
        let who = row.ids.into_iter().zip(row.trainers).zip(row.is_theirs);
        let when = row.days.into_iter().zip(row.times);
        let state = row.edited.into_iter().zip(row.planned);
        for ((((id, trainer), is_theirs), (day, time)), (is_edited, is_planned)) in who.zip(when).zip(state) {
            calendar.sessions.push(Ahead {
                id: SessionId(id),
                day,
                slot: TimeSlot::booked(&time),
                trainer: TrainerId(trainer),
                is_edited,
                is_planned,
                left: Some(if is_theirs {
                    Left::Trainers
                } else {
                    Left::Substitutes
                }),
            });
        }
    }
    Ok(())
}

/// Moves these sessions, each to its allocation, and gives back which of them were as they had been read.
pub(super) async fn move_sessions(
    connection: &mut Connection,
    moves: &[(AllocationId, Move)],
) -> Result<HashSet<SessionId>, sqlx::Error> {
    let ids: Vec<Uuid> = moves.iter().map(|(_, moved)| moved.session.id.0).collect();
    let old_days: Vec<NaiveDate> = moves.iter().map(|(_, moved)| moved.session.day).collect();
    let old_times: Vec<&str> = moves
        .iter()
        .map(|(_, moved)| moved.session.slot.as_str())
        .collect();
    let allocations: Vec<Uuid> = moves.iter().map(|(allocation, _)| allocation.0).collect();
    let trainers: Vec<Uuid> = moves.iter().map(|(_, moved)| moved.trainer.0).collect();
    let days: Vec<Option<NaiveDate>> = moves
        .iter()
        .map(|(_, moved)| moved.to.as_ref().map(|(day, _)| *day))
        .collect();
    let times: Vec<Option<&str>> = moves
        .iter()
        .map(|(_, moved)| moved.to.as_ref().map(|(_, slot)| slot.as_str()))
        .collect();
    let moved = sqlx::query_file_scalar!(
        "src/session/move.sql",
        &ids,
        &old_days,
        &old_times as &[&str],
        &allocations,
        &trainers,
        &days as &[Option<NaiveDate>],
        &times as &[Option<&str>],
    )
    .fetch_all(connection)
    .await?;
    Ok(moved.into_iter().map(SessionId).collect())
}
