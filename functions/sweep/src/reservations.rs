//! The `reservations` sweep: frees what was reserved for intents that were not paid in time.
//!
//! Page by page in the order in which they ended. A page that fails is halved until what it failed at stands alone: that is
//! left, counted and named, and holds up no other. What another transaction holds is left out at first, tried once more at the
//! end with a short wait, and then left to the next run.

use crate::context::Sweep;
use chrono::{DateTime, Utc};
use makegood::db::{Connection, ErrorClass, classify};
use makegood::delivery::Deadline;
use makegood::stock::{self, EndedReservation, Expired, Locks};
use makegood::throttle;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

/// How many reservations one transaction frees.
const PAGE: i64 = 200;
/// Kept back for the second try and the answer.
const RESERVE: Duration = Duration::from_secs(3);
/// The longest that the second tries go on.
const SECOND_TRIES: Duration = Duration::from_secs(10);
/// So many reservations of one variant may be refused; then the variant itself is at fault, and its others wait for the next run.
const STRIKES: usize = 3;
/// So many refused reservations are named in the log.
const NAMED: usize = 10;
/// How long a second try waits for a row.
const WAIT_SHORTLY: &str = "SET LOCAL lock_timeout = '1s'";

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreedReservations {
    /// Intents whose reservations were freed.
    pub intents: usize,
    /// Reservations freed.
    pub reservations: i64,
    /// Pieces that are for sale again.
    pub pieces: i64,
    /// Reservations that the database refuses to free, and those of the same variant that were left with them.
    pub refused: usize,
    /// Reservations that another transaction held until the end.
    pub locked: usize,
}

/// A run under way.
struct Run<'a> {
    sweep: &'a Sweep,
    deadline: Deadline,
    now: DateTime<Utc>,
    done: FreedReservations,
    intents: BTreeSet<String>,
    locked: Vec<EndedReservation>,
    strikes: BTreeMap<Uuid, usize>,
    refused: Vec<String>,
}

/// Page by page until nothing is left, or the time is nearly up. Safe to run twice at once: what the other run holds is skipped.
pub(crate) async fn run(sweep: &Sweep, deadline: Deadline) -> Result<FreedReservations, sqlx::Error> {
    let mut run = Run {
        sweep,
        deadline,
        now: sweep.clock.now(),
        done: FreedReservations::default(),
        intents: BTreeSet::new(),
        locked: Vec::new(),
        strikes: BTreeMap::new(),
        refused: Vec::new(),
    };
    let ended = run.pages().await;
    let tried = match ended {
        Ok(()) => run.second_tries().await,
        Err(error) => Err(error),
    };
    run.report();
    forget_requests(sweep).await;
    tried.map(|()| run.done)
}

/// The counts of requests that are over go with the reservations that are: each minute. What can't be deleted now is deleted later.
async fn forget_requests(sweep: &Sweep) {
    let forgotten = async {
        let mut connection = sweep.publisher.database.acquire().await?;
        throttle::forget(&mut connection).await
    };
    if let Err(error) = forgotten.await {
        let code = classify(&error).code();
        tracing::warn!(function = Sweep::NAME, code, %error, "counts of requests not deleted; the next run tries again");
    }
}

impl Run<'_> {
    async fn pages(&mut self) -> Result<(), sqlx::Error> {
        let mut last = None;
        while self.has_time() {
            let page = {
                let mut connection = self.sweep.publisher.database.acquire().await?;
                stock::list_ended(&mut connection, self.now, last.as_ref(), PAGE).await?
            };
            let is_last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            last = page.last().cloned();
            self.free_in_halves(page).await?;
            if is_last {
                break;
            }
        }
        Ok(())
    }

    fn has_time(&self) -> bool {
        self.deadline.remaining() > RESERVE
    }

    fn is_struck(&self, variant: Uuid) -> bool {
        self.strikes
            .get(&variant)
            .is_some_and(|strikes| *strikes >= STRIKES)
    }

    /// Frees what can be freed of them, in as few transactions as the refused ones allow.
    async fn free_in_halves(&mut self, ended: Vec<EndedReservation>) -> Result<(), sqlx::Error> {
        let mut parts = vec![ended];
        while let Some(part) = parts.pop() {
            let mut part = self.without_struck(part);
            if part.is_empty() || !self.has_time() {
                continue;
            }
            match self.free_without_waiting(&part).await {
                Ok(expired) => {
                    self.count(&expired);
                    self.locked.extend(expired.locked);
                }
                Err(error) if !is_of_rows(&error) => return Err(error),
                Err(error) => match part.as_slice() {
                    [one] if classify(&error) == ErrorClass::Blocked => self.locked.push(one.clone()),
                    [one] => self.refuse(one, &error),
                    _ => {
                        let second = part.split_off(part.len() / 2);
                        parts.extend([second, part]);
                    }
                },
            }
        }
        Ok(())
    }

    /// Counts those of variants that are at fault themselves, and leaves them out.
    fn without_struck(&mut self, ended: Vec<EndedReservation>) -> Vec<EndedReservation> {
        let (struck, others): (Vec<_>, Vec<_>) = ended
            .into_iter()
            .partition(|ended| self.is_struck(ended.variant_id));
        self.done.refused += struck.len();
        others
    }

    /// Looking for held reservations costs a statement, and only a person holds one: it is done once one was met.
    async fn free_without_waiting(&self, ended: &[EndedReservation]) -> Result<Expired, sqlx::Error> {
        match self.free(ended, Locks::Skip).await {
            Err(error) if classify(&error) == ErrorClass::Blocked => self.free(ended, Locks::SkipAll).await,
            other => other,
        }
    }

    async fn free(&self, ended: &[EndedReservation], locks: Locks) -> Result<Expired, sqlx::Error> {
        let mut transaction = self.sweep.publisher.database.begin().await?;
        match self.expire(&mut transaction, ended, locks).await {
            Ok(expired) => {
                transaction.commit().await?;
                Ok(expired)
            }
            Err(error) => {
                // Said at once, not when the connection is dropped: the next part wants the same rows.
                transaction.rollback().await?;
                Err(error)
            }
        }
    }

    async fn expire(
        &self,
        transaction: &mut Connection,
        ended: &[EndedReservation],
        locks: Locks,
    ) -> Result<Expired, sqlx::Error> {
        if locks == Locks::Wait {
            let waiting = sqlx::query(WAIT_SHORTLY).persistent(false);
            waiting.execute(&mut *transaction).await?;
        }
        stock::expire(transaction, ended, self.now, locks).await
    }

    fn count(&mut self, expired: &Expired) {
        for freed in &expired.freed {
            self.done.reservations += freed.reservations;
            self.done.pieces += freed.pieces;
            if self.intents.insert(freed.payment_intent_id.clone()) {
                self.done.intents += 1;
            }
        }
    }

    fn refuse(&mut self, ended: &EndedReservation, error: &sqlx::Error) {
        *self.strikes.entry(ended.variant_id).or_default() += 1;
        self.done.refused += 1;
        if self.refused.len() < NAMED {
            let code = error.as_database_error().and_then(|error| error.code());
            self.refused.push(format!(
                "reservation {} of variant {} [{}]",
                ended.id,
                ended.variant_id,
                code.unwrap_or_default()
            ));
        }
    }

    /// Each of what others held once more, alone, with a short wait. A variant that is still held is not waited for twice.
    async fn second_tries(&mut self) -> Result<(), sqlx::Error> {
        let until = Deadline::after(SECOND_TRIES.min(self.deadline.remaining().saturating_sub(RESERVE)));
        let mut still_held = BTreeSet::new();
        let locked = std::mem::take(&mut self.locked);
        for ended in self.without_struck(locked) {
            if until.remaining().is_zero() || still_held.contains(&ended.variant_id) {
                self.done.locked += 1;
                continue;
            }
            match self.free(std::slice::from_ref(&ended), Locks::Wait).await {
                Ok(expired) => self.count(&expired),
                Err(error) if matches!(classify(&error), ErrorClass::Contention | ErrorClass::Blocked) => {
                    still_held.insert(ended.variant_id);
                    self.done.locked += 1;
                }
                Err(error) if is_of_rows(&error) => self.refuse(&ended, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn report(&self) {
        metrics::counter!("ReservationsRefused").increment(count(self.done.refused));
        metrics::counter!("ReservationsLocked").increment(count(self.done.locked));
        if self.done.refused > 0 {
            tracing::error!(
                refused = self.done.refused,
                named = self.refused.join(", "),
                "reservations that can't be freed: the stock row has less reserved than they hold; see docs/operations.md"
            );
        }
        if self.done.locked > 0 {
            tracing::warn!(
                locked = self.done.locked,
                "reservations that other transactions hold were left to the next run"
            );
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Whether some rows of the transaction are to blame, so that the others can go on without them.
fn is_of_rows(error: &sqlx::Error) -> bool {
    let class = classify(error);
    class.may_be_one_record() || class == ErrorClass::Contention
}
