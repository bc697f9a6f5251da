//! Whether a purchase that is still active is over: it has expired, or all that was bought was held.

use super::decide::{End, Evidence};
use super::request::PurchaseRequest;
use crate::db::Connection;
use crate::ids::PurchaseId;
use crate::session::{TimeSlot, bought, bought_here};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::HashMap;
use uuid::Uuid;

/// Adds to the evidence which purchases of others are over at this moment. Asks for nothing where there is none.
pub(super) async fn add_ends(
    connection: &mut Connection,
    requests: &[PurchaseRequest],
    evidence: &mut [Evidence],
    now: DateTime<Tz>,
) -> Result<(), sqlx::Error> {
    let in_the_way: Vec<Uuid> = requests
        .iter()
        .zip(evidence.iter())
        .flat_map(|(request, evidence)| {
            let own = Some(request.event.payment_id);
            evidence
                .purchases
                .iter()
                .filter(move |purchase| purchase.active && purchase.payment_id != own)
        })
        .map(|purchase| purchase.id.0)
        .collect();
    if in_the_way.is_empty() {
        return Ok(());
    }
    let ends = read_ends(connection, &in_the_way, now).await?;
    for purchase in evidence.iter_mut().flat_map(|evidence| &mut evidence.purchases) {
        purchase.over = ends.get(&purchase.id.0).copied();
    }
    Ok(())
}

async fn read_ends(
    connection: &mut Connection,
    purchases: &[Uuid],
    now: DateTime<Tz>,
) -> Result<HashMap<Uuid, End>, sqlx::Error> {
    let rows = sqlx::query_file!("src/purchase/over.sql", purchases, now.date_naive())
        .fetch_all(connection)
        .await?;
    let ends = rows.into_iter().filter_map(|row| {
        let life = Life {
            ends_at: row.ends_at,
            bought: bought_of(row.session_count.as_deref(), row.purchase_tier, row.held_earlier),
            held: row.held,
            todays: row.todays,
            completed: row.completed,
        };
        Some((row.id, life.end(now)?))
    });
    Ok(ends.collect())
}

fn bought_of(session_count: Option<&str>, tier: i32, held_earlier: i64) -> u32 {
    let earlier = u32::try_from(held_earlier).unwrap_or(u32::MAX);
    bought_here(bought(session_count, Some(tier)), Some(tier), earlier)
}

/// The calendar of a running purchase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    /// Its approved or active allocation.
    pub(super) allocation: Option<Uuid>,
    /// Who teaches for it.
    pub(super) trainer: Option<Uuid>,
    /// How many sessions that allocation has in all.
    pub(super) bought: u32,
    /// How many sessions of the purchase were held, those that have begun today and those of earlier allocations among them.
    pub(super) held: i32,
}

/// The calendar of a purchase; none when it does not run.
pub(super) async fn calendar(
    connection: &mut Connection,
    purchase: PurchaseId,
    now: DateTime<Tz>,
) -> Result<Option<Calendar>, sqlx::Error> {
    let row = sqlx::query_file!("src/purchase/over.sql", &[purchase.0], now.date_naive())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| {
        let held = row.held + row.held_earlier + begun(&row.todays, now);
        Calendar {
            allocation: row.allocation,
            trainer: row.trainer,
            bought: bought_of(row.session_count.as_deref(), row.purchase_tier, row.held_earlier),
            held: i32::try_from(held).unwrap_or(i32::MAX),
        }
    }))
}

/// How many of today's sessions, by their times, have begun.
fn begun(todays: &[String], now: DateTime<Tz>) -> i64 {
    let time = now.time();
    let has_begun = |text: &&String| {
        TimeSlot::booked(text)
            .starts()
            .is_some_and(|starts| starts <= time)
    };
    i64::try_from(todays.iter().filter(has_begun).count()).unwrap_or(i64::MAX)
}

/// What there is of one purchase.
#[derive(Debug, Clone)]
struct Life {
    ends_at: Option<DateTime<Utc>>,
    bought: u32,
    /// Sessions that were held: completed ones, and those of past days that were not cancelled.
    held: i64,
    /// The times of today's others.
    todays: Vec<String>,
    /// Its allocation was completed, and no other one is there.
    completed: bool,
}

impl Life {
    /// How it ended; none while it runs. A session is held once it begins: it can't be moved any more.
    fn end(&self, now: DateTime<Tz>) -> Option<End> {
        if self.ends_at.is_some_and(|end| end < now) {
            return Some(End::Expired);
        }
        let held = self.held.saturating_add(begun(&self.todays, now));
        let is_consumed = self.completed || held >= i64::from(self.bought);
        is_consumed.then_some(End::Consumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Tz> {
        let instant: DateTime<Utc> = text.parse().unwrap();
        instant.with_timezone(&Tz::Asia__Kolkata)
    }

    fn running() -> Life {
        Life {
            ends_at: None,
            bought: 10,
            held: 9,
            todays: Vec::new(),
            completed: false,
        }
    }

    #[test]
    fn a_purchase_is_over_after_its_end_and_not_at_it() {
        let life = Life {
            ends_at: "2026-01-08T18:29:59Z".parse().ok(),
            ..running()
        };
        assert_eq!(life.end(at("2026-01-08T18:29:59Z")), None);
        assert_eq!(life.end(at("2026-01-08T18:30:00Z")), Some(End::Expired));
    }

    #[test]
    fn the_last_session_is_held_once_it_begins() {
        let life = Life {
            todays: vec!["5:30 PM".to_owned()],
            ..running()
        };
        assert_eq!(life.end(at("2026-01-08T11:59:59Z")), None);
        assert_eq!(life.end(at("2026-01-08T12:00:00Z")), Some(End::Consumed));
    }

    #[test]
    fn a_session_that_is_left_keeps_it_running() {
        assert_eq!(running().end(at("2026-01-08T12:00:00Z")), None);
        let all_held = Life {
            held: 10,
            ..running()
        };
        assert_eq!(all_held.end(at("2026-01-08T12:00:00Z")), Some(End::Consumed));
        let completed = Life {
            completed: true,
            ..running()
        };
        assert_eq!(completed.end(at("2026-01-08T12:00:00Z")), Some(End::Consumed));
    }
}
