//! What Razorpay lists of itself, and a page of it.

use chrono::{DateTime, Datelike, FixedOffset};
use serde::Deserialize;
use serde_json::Value;

/// The merchant's day is India's.
const INDIA_SECONDS: i32 = 19_800;
/// How many entries a page has where the request does not say.
const USUAL_PAGE: usize = 10;

/// One of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// `GET /v1/payments`.
    Payment,
    /// `GET /v1/refunds`.
    Refund,
    /// `GET /v1/settlements`.
    Settlement,
    /// `GET /v1/settlements/recon/combined`, by the day of `settled_at`.
    Settled,
}

/// What Razorpay knows.
#[derive(Debug, Default)]
pub(super) struct Statement {
    payments: Vec<Value>,
    refunds: Vec<Value>,
    settlements: Vec<Value>,
    settled: Vec<Value>,
    /// Payments that come in between two pages, one each.
    pub(super) arrivals: Vec<Value>,
}

/// What a page is asked by.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    from: Option<i64>,
    to: Option<i64>,
    pub(super) count: Option<usize>,
    #[serde(default)]
    skip: usize,
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
}

impl Statement {
    fn list(&mut self, listed: Listed) -> &mut Vec<Value> {
        match listed {
            Listed::Payment => &mut self.payments,
            Listed::Refund => &mut self.refunds,
            Listed::Settlement => &mut self.settlements,
            Listed::Settled => &mut self.settled,
        }
    }

    /// One with the same id takes the place of the older one.
    pub(super) fn put(&mut self, listed: Listed, entry: Value) {
        let key = if listed == Listed::Settled {
            "entity_id"
        } else {
            "id"
        };
        let list = self.list(listed);
        list.retain(|other| other[key] != entry[key]);
        list.push(entry);
    }

    pub(super) fn take(&mut self, listed: Listed, id: &str) {
        self.list(listed).retain(|entry| entry["id"] != id);
    }

    pub(super) fn payment(&self, id: &str) -> Option<Value> {
        self.payments.iter().find(|entry| entry["id"] == id).cloned()
    }

    /// The entries of a page, the newest first.
    pub(super) fn page(&mut self, listed: Listed, page: &Page) -> Vec<Value> {
        let mut found: Vec<Value> = self
            .list(listed)
            .iter()
            .filter(|entry| page.asks_for(listed, entry))
            .cloned()
            .collect();
        found.sort_by_key(|entry| std::cmp::Reverse(seconds(entry)));
        let count = page.count.unwrap_or(USUAL_PAGE);
        let answer = found.into_iter().skip(page.skip).take(count).collect();
        if listed == Listed::Payment && !self.arrivals.is_empty() {
            let arrival = self.arrivals.remove(0);
            self.payments.push(arrival);
        }
        answer
    }
}

impl Page {
    fn asks_for(&self, listed: Listed, entry: &Value) -> bool {
        if listed == Listed::Settled {
            return self.is_on_day(entry);
        }
        let at = seconds(entry);
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }

    fn is_on_day(&self, entry: &Value) -> bool {
        let at = entry["settled_at"]
            .as_i64()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        at.zip(FixedOffset::east_opt(INDIA_SECONDS))
            .is_some_and(|(at, india)| {
                let day = at.with_timezone(&india).date_naive();
                Some(day.year()) == self.year
                    && Some(day.month()) == self.month
                    && self.day.is_none_or(|asked| asked == day.day())
            })
    }
}

fn seconds(entry: &Value) -> i64 {
    entry["created_at"].as_i64().unwrap_or(0)
}
