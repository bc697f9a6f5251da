//! What became of one payment, from the gateway to what was paid for, on one line of time: `makegood trace` and the console.
//!
//! [`find`] turns whatever id a person has into subjects, [`timeline`] reads the rows of one, and [`missing()`] (pure) says in text
//! what is not there. No personal data beyond ids: addresses, names and phones are never read.

mod clash;
mod course;
mod entry;
mod facts;
mod find;
mod gap;
mod gap_order;
mod moment;
mod order;
mod payment;
mod read_facts;
mod rows;
mod shares;
mod since;
mod subject;

pub use entry::{Entry, EntryKind, Status};
pub use facts::{
    AllocationFacts, CaseFacts, CourseFacts, DeadLetterFacts, EventFacts, Facts, Hop, JobFacts, OrderFacts,
};
pub use find::{FoundBy, MATCHES, Match, find};
pub use gap::{Gap, missing};
pub use moment::Moment;
pub use since::told_since;
pub use subject::Subject;

use course::Course;
use makegood::db::{Connection, Database, Isolation};
use order::Order;
use serde::Serialize;

/// The most entries of a line of time; the oldest are left out.
const MOST: usize = 500;

/// The line of time of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// What it is about.
    pub subject: Subject,
    /// One line for a heading: what and where it stands.
    pub title: String,
    /// What is missing, and what to do about it; none when all is there, or nothing is owed.
    pub gap: Option<Gap>,
    /// What happened, oldest first; then what is pending or missing.
    pub entries: Vec<Entry>,
    /// Entries beyond the most that are shown, such as the sessions of years.
    pub left_out: usize,
}

/// Reads the line of time of one subject at this moment. None when no row knows it any more.
///
/// One snapshot, a handful of looks, each into an index.
///
/// # Errors
/// Those of the database.
pub async fn timeline(
    database: &Database,
    subject: &Subject,
    moment: Moment,
) -> Result<Option<Timeline>, sqlx::Error> {
    let mut transaction = database.begin_as(Isolation::Snapshot).await?;
    let read = read(&mut transaction, subject, moment).await?;
    transaction.rollback().await?;
    Ok(read.map(|(facts, entries)| tell(subject, missing(&facts, &moment), &facts, entries)))
}

async fn read(
    connection: &mut Connection,
    subject: &Subject,
    moment: Moment,
) -> Result<Option<(Facts, Vec<Entry>)>, sqlx::Error> {
    match subject {
        Subject::Payment(_) | Subject::Purchase(_) | Subject::Allocation(_) | Subject::DeadLetter(_) => {
            let today = moment.now.with_timezone(&moment.timezone).date_naive();
            let course = Course::load(connection, subject, today).await?;
            let known = (!course.is_empty())
                .then(|| (read_facts::of_course(subject, &course), course.entries(subject)));
            Ok(known)
        }
        Subject::Intent(id) => {
            let order = Order::load(connection, id).await?;
            Ok(order.map(|order| (read_facts::of_order(&order, moment.now), order.entries())))
        }
        Subject::Job(id) => {
            let jobs = order::jobs(connection, None, Some(*id)).await?;
            Ok(jobs
                .first()
                .map(|job| (Facts::Job(read_facts::of_job(job)), order::entries_of_jobs(&jobs))))
        }
    }
}

fn tell(subject: &Subject, gap: Option<Gap>, facts: &Facts, mut entries: Vec<Entry>) -> Timeline {
    entries.sort_by_key(|entry| (entry.at.is_none(), entry.at, entry.kind));
    since::note(&mut entries);
    let left_out = entries.len().saturating_sub(MOST);
    entries.drain(..left_out);
    let state = gap
        .as_ref()
        .map_or_else(|| facts.state().to_owned(), |gap| gap.sentence.clone());
    if let Some(gap) = &gap {
        entries.push(Entry::new(None, gap.kind(), gap.status, gap.sentence.clone()));
    }
    Timeline {
        subject: subject.clone(),
        title: format!("{subject}: {state}"),
        gap,
        entries,
        left_out,
    }
}
