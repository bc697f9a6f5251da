//! The `statement` sweep: reads Razorpay's own lists of payments, refunds and settlements, and compares them with what is here (G12,
//! docs/decisions/0090). What the provider took and no webhook told us of is recorded as if its webhook had arrived; what can't
//! be made right by itself is a case. It goes on where the last run ended, and reads a day twice.

mod act;
mod orders;
mod ours;
mod page;
mod settled;
mod shop;
mod stop;

use crate::context::Sweep;
use crate::name::SweepName;
use crate::outbox::gauge_value;
use chrono::{DateTime, Utc};
use makegood::delivery::Deadline;
use makegood::gateway::Razorpay;
use makegood::statement::{self, List, Reading};
use orders::Questions;
use serde::Serialize;
use shop::Imported;
use stop::{LEFT_FOR_A_PAGE, Stopped};

/// What a run did.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    /// Razorpay's lists; none where no key is configured.
    #[serde(flatten)]
    reading: Option<Reading>,
    /// What merchants' files told of.
    imported: Imported,
}

/// Settles what was imported, and goes on with the reading that the last run left, or begins one; `since` begins one that reads further
/// back.
pub(crate) async fn run(
    sweep: &Sweep,
    deadline: Deadline,
    since: Option<DateTime<Utc>>,
) -> Result<Done, sqlx::Error> {
    // Half of the time at most: what Razorpay took must not wait for another gateway.
    let imported = shop::settle(sweep, Deadline::after(deadline.remaining() / 2)).await?;
    let reading = match &sweep.razorpay {
        Some(razorpay) => Some(read(sweep, razorpay, deadline, since).await?),
        None => None,
    };
    measure(sweep, reading.as_ref()).await?;
    Ok(Done { reading, imported })
}

async fn read(
    sweep: &Sweep,
    razorpay: &Razorpay,
    deadline: Deadline,
    since: Option<DateTime<Utc>>,
) -> Result<Reading, sqlx::Error> {
    let mut reading = begin(sweep, since).await?;
    reading.stopped = None;
    let mut questions = Questions::new(razorpay, deadline);
    while reading.completed_at.is_none() && deadline.remaining() > LEFT_FOR_A_PAGE && !questions.is_spent() {
        match step(sweep, &mut questions, &mut reading).await {
            Ok(()) => {}
            Err(Stopped::Database(error)) => return Err(error),
            Err(Stopped::Provider(error)) => {
                tracing::error!(
                    function = Sweep::NAME, code = error.code(), %error, list = ?reading.list,
                    "the provider's statement was not read to its end; the next run goes on"
                );
                reading.stopped = Some(error.code().to_owned());
                break;
            }
        }
    }
    Ok(reading)
}

async fn begin(sweep: &Sweep, since: Option<DateTime<Utc>>) -> Result<Reading, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    let last = statement::last_reading(&mut connection, SweepName::Statement.wire_name()).await?;
    Ok(match last {
        Some(last) if last.completed_at.is_none() && since.is_none_or(|since| since >= last.from) => last,
        last => Reading::begin(last.as_ref(), since, sweep.clock.now()),
    })
}

async fn step(sweep: &Sweep, questions: &mut Questions<'_>, reading: &mut Reading) -> Result<(), Stopped> {
    let razorpay = questions.razorpay;
    match reading.list {
        List::Payments => page::payments(sweep, questions, reading).await,
        List::Refunds => page::refunds(sweep, razorpay, reading).await,
        List::Waiting => ours::waiting(sweep, questions, reading).await,
        List::Ours => ours::paid(sweep, questions, reading).await,
        List::Settled => settled::day(sweep, razorpay, reading).await,
        List::Settlements => settled::settlements(sweep, razorpay, reading).await,
    }
}

/// Sends the gauges that the alarms watch.
async fn measure(sweep: &Sweep, reading: Option<&Reading>) -> Result<(), sqlx::Error> {
    let now = sweep.clock.now();
    let mut connection = sweep.publisher.database.acquire().await?;
    let gaps = statement::open_gaps(&mut connection).await?;
    let age = gaps
        .oldest
        .map_or(0, |oldest| (now - oldest).num_seconds().max(0));
    metrics::gauge!("StatementGaps").set(gauge_value(gaps.count));
    metrics::gauge!("StatementGapOldestSeconds").set(gauge_value(age));
    if let Some(reading) = reading {
        let unread = now - reading.through.unwrap_or(reading.from);
        metrics::gauge!("StatementUnreadSeconds").set(gauge_value(unread.num_seconds().max(0)));
    }
    if gaps.count > 0 {
        tracing::error!(
            function = Sweep::NAME,
            gaps = gaps.count,
            oldest_seconds = age,
            "entries of a provider's statement differ from what is here, and no case answers for them: `makegood doctor`"
        );
    }
    Ok(())
}
