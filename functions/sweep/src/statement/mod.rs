//! The `statement` sweep: reads Razorpay's own lists of payments, refunds and settlements, and compares them with what is here (G12,
//! docs/decisions/0090). What the provider took and nobody told us of is recorded as if its webhook had arrived; what can't be made right by
//! itself is a case. It goes on where the last run ended, and reads a day twice.

mod act;
mod ours;
mod page;
mod settled;

use crate::context::Sweep;
use crate::name::SweepName;
use crate::outbox::gauge_value;
use chrono::{DateTime, Utc};
use makegood::delivery::Deadline;
use makegood::gateway::{GatewayError, Razorpay};
use makegood::payment::provider::PROVIDER;
use makegood::statement::{self, List, Reading};
use std::time::Duration;

/// A page is asked for only while this much time is left: the provider's patience, and a little for what follows.
const LEFT_FOR_A_PAGE: Duration = Duration::from_secs(14);

/// Why a step was not taken.
enum Stopped {
    /// The provider did not answer, or not as it documents.
    Provider(GatewayError),
    Database(sqlx::Error),
}

impl From<GatewayError> for Stopped {
    fn from(error: GatewayError) -> Self {
        Self::Provider(error)
    }
}

impl From<sqlx::Error> for Stopped {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Goes on with the reading that the last run left, or begins one; `since` begins one that reads further back. None where the provider is
/// not asked, since no key is configured.
pub(crate) async fn run(
    sweep: &Sweep,
    deadline: Deadline,
    since: Option<DateTime<Utc>>,
) -> Result<Option<Reading>, sqlx::Error> {
    let Some(razorpay) = &sweep.razorpay else {
        return Ok(None);
    };
    let mut reading = begin(sweep, since).await?;
    reading.stopped = None;
    while reading.completed_at.is_none() && deadline.remaining() > LEFT_FOR_A_PAGE {
        match step(sweep, razorpay, &mut reading, deadline).await {
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
    measure(sweep, &reading).await?;
    Ok(Some(reading))
}

async fn begin(sweep: &Sweep, since: Option<DateTime<Utc>>) -> Result<Reading, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    let last = statement::last_reading(&mut connection, SweepName::Statement.wire_name()).await?;
    Ok(match last {
        Some(last) if last.completed_at.is_none() && since.is_none_or(|since| since >= last.from) => last,
        last => Reading::begin(last.as_ref(), since, sweep.clock.now()),
    })
}

async fn step(
    sweep: &Sweep,
    razorpay: &Razorpay,
    reading: &mut Reading,
    deadline: Deadline,
) -> Result<(), Stopped> {
    match reading.list {
        List::Payments => page::payments(sweep, razorpay, reading).await,
        List::Refunds => page::refunds(sweep, razorpay, reading).await,
        List::Waiting => ours::waiting(sweep, razorpay, reading, deadline).await,
        List::Ours => ours::paid(sweep, razorpay, reading, deadline).await,
        List::Settled => settled::day(sweep, razorpay, reading).await,
        List::Settlements => settled::settlements(sweep, razorpay, reading).await,
    }
}

/// Sends the gauges that the alarms watch.
async fn measure(sweep: &Sweep, reading: &Reading) -> Result<(), sqlx::Error> {
    let now = sweep.clock.now();
    let mut connection = sweep.publisher.database.acquire().await?;
    let gaps = statement::open_gaps(&mut connection).await?;
    let age = gaps
        .oldest
        .map_or(0, |oldest| (now - oldest).num_seconds().max(0));
    let unread = reading
        .through
        .map_or(now - reading.from, |through| now - through);
    metrics::gauge!("StatementGaps").set(gauge_value(gaps.count));
    metrics::gauge!("StatementGapOldestSeconds").set(gauge_value(age));
    metrics::gauge!("StatementUnreadSeconds").set(gauge_value(unread.num_seconds().max(0)));
    if gaps.count > 0 {
        tracing::error!(
            function = Sweep::NAME,
            provider = PROVIDER,
            gaps = gaps.count,
            oldest_seconds = age,
            "entries of the provider's statement differ from what is here, and no case answers for them: `makegood doctor`"
        );
    }
    Ok(())
}
