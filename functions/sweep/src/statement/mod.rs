//! The `statement` sweep: reads Razorpay's own lists of payments, refunds and settlements, and Stripe's of payments, refunds and disputes,
//! and compares them with what is here (G12, docs/decisions/0090, 0107). What the provider took and no webhook told us of is recorded as if its webhook had arrived; what can't
//! be made right by itself is a case. It goes on where the last run ended, and reads a day twice.

mod act;
mod disputes;
mod orders;
mod ours;
mod page;
mod settled;
mod shop;
mod source;
mod stop;

use crate::context::Sweep;
use crate::name::SweepName;
use crate::outbox::gauge_value;
use chrono::{DateTime, Utc};
use makegood::delivery::Deadline;
use makegood::statement::{self, List, Reading};
use orders::Questions;
use serde::Serialize;
use shop::Imported;
use source::Source;
use stop::{LEFT_FOR_A_PAGE, Stopped};

/// What a run did.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    /// Razorpay's lists; none where no key is configured.
    #[serde(flatten)]
    reading: Option<Reading>,
    /// Stripe's; none where no key is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe: Option<Reading>,
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
    let (razorpay, stripe) = (
        sweep.razorpay.as_ref().map(Source::Razorpay),
        sweep.stripe.as_ref().map(Source::Stripe),
    );
    // Of two providers neither waits for the other: the first has half of the time, and the second what is left.
    let first = match stripe {
        Some(_) => Deadline::after(deadline.remaining() / 2),
        None => deadline,
    };
    let reading = match razorpay {
        Some(source) => Some(read(sweep, source, first, since).await?),
        None => None,
    };
    let stripe = match stripe {
        Some(source) => Some(read(sweep, source, deadline, since).await?),
        None => None,
    };
    measure(sweep, [&reading, &stripe]).await?;
    Ok(Done {
        reading,
        stripe,
        imported,
    })
}

async fn read(
    sweep: &Sweep,
    source: Source<'_>,
    deadline: Deadline,
    since: Option<DateTime<Utc>>,
) -> Result<Reading, sqlx::Error> {
    let mut reading = begin(sweep, source, since).await?;
    reading.stopped = None;
    let mut questions = Questions::new(source, deadline);
    while reading.completed_at.is_none() && deadline.remaining() > LEFT_FOR_A_PAGE && !questions.is_spent() {
        match step(sweep, &mut questions, &mut reading).await {
            Ok(()) => {}
            Err(Stopped::Database(error)) => return Err(error),
            Err(Stopped::Provider(error)) => {
                tracing::error!(
                    function = Sweep::NAME, provider = source.provider(), code = error.code(), %error, list = ?reading.list,
                    "the provider's statement was not read to its end; the next run goes on"
                );
                reading.stopped = Some(error.code().to_owned());
                break;
            }
        }
    }
    Ok(reading)
}

async fn begin(
    sweep: &Sweep,
    source: Source<'_>,
    since: Option<DateTime<Utc>>,
) -> Result<Reading, sqlx::Error> {
    let mut connection = sweep.publisher.database.acquire().await?;
    let name = SweepName::Statement.wire_name();
    let last = statement::last_reading(&mut connection, name, source.field()).await?;
    Ok(match last {
        Some(last) if last.completed_at.is_none() && since.is_none_or(|since| since >= last.from) => last,
        last => Reading::begin(last.as_ref(), since, sweep.clock.now()),
    })
}

async fn step(sweep: &Sweep, questions: &mut Questions<'_>, reading: &mut Reading) -> Result<(), Stopped> {
    let source = questions.source;
    match (reading.list, source) {
        (List::Payments, _) => page::payments(sweep, questions, reading).await,
        (List::Refunds, _) => page::refunds(sweep, source, reading).await,
        (List::Disputes, _) => disputes::listed(sweep, source, reading).await,
        (List::OpenDisputes, _) => disputes::open(sweep, source, questions.deadline, reading).await,
        (List::Waiting, _) => ours::waiting(sweep, questions, reading).await,
        (List::Ours, _) => ours::paid(sweep, questions, reading).await,
        (List::Settled, Source::Razorpay(razorpay)) => settled::day(sweep, razorpay, reading).await,
        (List::Settlements, Source::Razorpay(razorpay)) => {
            settled::settlements(sweep, razorpay, reading).await
        }
        (List::Settled | List::Settlements, Source::Stripe(_)) => {
            reading.end_list(sweep.clock.now());
            Ok(())
        }
    }
}

/// Sends the gauges that the alarms watch.
async fn measure(sweep: &Sweep, readings: [&Option<Reading>; 2]) -> Result<(), sqlx::Error> {
    let now = sweep.clock.now();
    let mut connection = sweep.publisher.database.acquire().await?;
    let gaps = statement::open_gaps(&mut connection).await?;
    let age = gaps
        .oldest
        .map_or(0, |oldest| (now - oldest).num_seconds().max(0));
    metrics::gauge!("StatementGaps").set(gauge_value(gaps.count));
    metrics::gauge!("StatementGapOldestSeconds").set(gauge_value(age));
    let unread = readings
        .into_iter()
        .flatten()
        .map(|reading| (now - reading.through.unwrap_or(reading.from)).num_seconds());
    if let Some(unread) = unread.max() {
        metrics::gauge!("StatementUnreadSeconds").set(gauge_value(unread.max(0)));
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
