//! Sets of orders, so that one job never fails its neighbours: a set that fails as a whole is halved until the culprit stands alone.

use crate::handler::FinalizeOrder;
use crate::set::{Made, RolledBack, Stock};
use crate::worker::{Finished, panicked};
use futures::FutureExt;
use makegood::case::CaseKind;
use makegood::cause::Cause;
use makegood::db::{ErrorClass, classify};
use makegood::job::{Job, JobFailure, JobId};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

/// How often a set is tried when other transactions changed the same rows.
const TRIES: usize = 3;
/// How often new numbers are drawn before the jobs are put back.
const NUMBERS: usize = 5;

/// Why a set failed as a whole.
struct SetFailure {
    failure: JobFailure,
    /// Whether a single job can be to blame, so that halving the set finds it.
    may_be_one_job: bool,
}

impl FinalizeOrder {
    /// Makes the orders that these jobs ask for, and finishes the jobs.
    ///
    /// # Errors
    /// Those of the database while failing a job.
    pub(crate) async fn make_orders(
        &self,
        jobs: Vec<Job>,
        finished: &mut Vec<Finished>,
    ) -> Result<(), sqlx::Error> {
        let mut sets = vec![jobs];
        while let Some(mut set) = sets.pop() {
            match self.try_set(&set).await {
                Ok(outcomes) => {
                    let mut later = Vec::new();
                    for (job, made) in set.into_iter().zip(outcomes) {
                        match made {
                            Made::Later => later.push(job),
                            made => finished.push(self.finish(&job, made).await?),
                        }
                    }
                    if !later.is_empty() {
                        sets.push(later);
                    }
                }
                Err(failure) if set.len() > 1 && failure.may_be_one_job => {
                    let second = set.split_off(set.len() / 2);
                    sets.push(second);
                    sets.push(set);
                }
                Err(SetFailure { failure, .. }) => {
                    for job in set {
                        let case = Some(CaseKind::Unfulfillable);
                        finished.push(self.fail(&job, &failure, case, false).await?);
                    }
                }
            }
        }
        Ok(())
    }

    /// A job whose set was committed, or not even begun.
    async fn finish(&self, job: &Job, made: Made) -> Result<Finished, sqlx::Error> {
        match made {
            Made::Done => Ok(Finished::Completed),
            Made::LostLease | Made::Later => {
                self.log_lost(job);
                Ok(Finished::LostLease)
            }
            Made::Refused(refusal) => self.refuse(job, &refusal).await,
        }
    }

    /// Tries a set until no other transaction comes between. A panic is the fault of some job of it.
    async fn try_set(&self, set: &[Job]) -> Result<Vec<Made>, SetFailure> {
        let mut lost: BTreeSet<JobId> = BTreeSet::new();
        let (mut contested, mut numbers) = (0, 0);
        let mut stock = Stock::Trusted;
        loop {
            let owned: Vec<Job> = set
                .iter()
                .filter(|job| !lost.contains(&job.lease.id))
                .cloned()
                .collect();
            let made = AssertUnwindSafe(self.make_set(&owned, stock).boxed())
                .catch_unwind()
                .await;
            match made {
                Ok(Ok(outcomes)) => return Ok(with_lost(set, &lost, outcomes)),
                Ok(Err(RolledBack::LostLeases(jobs))) => lost.extend(jobs),
                Ok(Err(RolledBack::NoNumber)) if numbers + 1 < NUMBERS => numbers += 1,
                Ok(Err(RolledBack::LacksStock)) if stock == Stock::Trusted => stock = Stock::Counted,
                Ok(Err(error)) if is_contested(&error) && contested + 1 < TRIES => contested += 1,
                Ok(Err(error)) => return Err(SetFailure::of(error)),
                Err(_) => return Err(SetFailure::of_one(panicked())),
            }
        }
    }
}

/// The outcomes of the whole set: those that lost their leases were tried without.
fn with_lost(set: &[Job], lost: &BTreeSet<JobId>, outcomes: Vec<Made>) -> Vec<Made> {
    let mut outcomes = outcomes.into_iter();
    let each = set.iter().map(|job| {
        if lost.contains(&job.lease.id) {
            Some(Made::LostLease)
        } else {
            outcomes.next()
        }
    });
    each.flatten().collect()
}

/// Whether the same set may succeed at once when it is tried again.
fn is_contested(error: &RolledBack) -> bool {
    match error {
        // A row that went away between two statements: whoever took it is done with it when the set is tried again.
        RolledBack::LacksStock => true,
        RolledBack::Database(error) => classify(error) == ErrorClass::Contention,
        RolledBack::LostLeases(_) | RolledBack::NoNumber => false,
    }
}

impl SetFailure {
    fn of(error: RolledBack) -> Self {
        if is_contested(&error) {
            let reason = format!("other transactions changed the same rows {TRIES} times");
            return Self::of_one(JobFailure::passing("contested", reason, Cause::Lock));
        }
        match error {
            RolledBack::Database(error) => Self {
                may_be_one_job: classify(&error).may_be_one_record(),
                failure: error.into(),
            },
            error => Self::of_one(JobFailure::passing(
                "order_number_taken",
                error.to_string(),
                Cause::OwnFault,
            )),
        }
    }

    fn of_one(failure: JobFailure) -> Self {
        Self {
            failure,
            may_be_one_job: true,
        }
    }
}
