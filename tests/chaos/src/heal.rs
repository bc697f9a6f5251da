//! After the faults: time passes and the sweeps run, until nothing is left to do or nothing changes any more.

use crate::sweeps::Sweeps;
use crate::verdict::Verdict;
use crate::world::World;
use anyhow::Result;
use makegood_local::gateway::PaymentState;
use sqlx::{AssertSqlSafe, Row};
use std::time::{Duration, Instant};

/// What passes for the database between two rounds.
const PASSES: &str = "10 minutes";
const PASSES_MINUTES: u64 = 10;
/// So many rounds without any change are three hours: longer than every grace.
const ROUNDS_WITHOUT_CHANGE: u32 = 18;
const MOST_ROUNDS: u32 = 80;
/// Queues are no longer waited for when nothing was delivered for so long: longer than the longest invocation.
const DELIVERED_WITHIN: Duration = Duration::from_secs(25);
/// Whatever is not at rest by then is not left to the next round.
const LONGEST: Duration = Duration::from_secs(180);
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
/// Not aged: what is only looked at, and the largest.
const AGELESS: &str =
    "'audit_log', 'health_samples', 'health_buckets', 'sweep_runs', 'tutoring_sessions', '_sqlx_migrations'";

/// How the world came to rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Healed {
    /// From the end of the faults until nothing was left to do.
    pub took: Duration,
    /// Minutes that passed for the database meanwhile, beside that.
    pub skipped_minutes: u64,
    /// Whether nothing was left to do.
    pub is_at_rest: bool,
    /// What was left.
    pub left: String,
}

/// Lets time pass and runs all sweeps until nothing is left to do, within bounds.
///
/// # Errors
/// When the database does not answer although all faults have ended.
pub async fn heal(world: &World, sweeps: &Sweeps, is_verbose: bool) -> Result<Healed> {
    let began = Instant::now();
    for payment in world.gateways.report().payments {
        if payment.state != PaymentState::Completed {
            // What is not paid ends with its link. It was there a moment ago.
            let _ = world.gateways.expire(&payment.id);
        }
    }
    let (mut left, mut unchanged) = (String::new(), 0);
    let mut healed = Healed::default();
    for _ in 0..MOST_ROUNDS {
        sweeps.run_all().await;
        drain(world).await;
        let now_left = left_to_do(world).await?;
        healed.took = began.elapsed();
        if is_verbose {
            eprintln!("· healing for {} ms; left: {now_left}", healed.took.as_millis());
        }
        if now_left.is_empty() {
            healed.is_at_rest = true;
            break;
        }
        unchanged = if now_left == left { unchanged + 1 } else { 0 };
        left = now_left;
        if unchanged >= ROUNDS_WITHOUT_CHANGE || healed.took > LONGEST {
            break;
        }
        pass_time(world).await?;
        healed.skipped_minutes += PASSES_MINUTES;
    }
    healed.left = if healed.is_at_rest { String::new() } else { left };
    Ok(healed)
}

/// Waits until the queues are empty, or nothing is delivered any more.
async fn drain(world: &World) {
    let (mut delivered, mut last) = (world.totals().1, Instant::now());
    while world.messages() > 0 && last.elapsed() < DELIVERED_WITHIN {
        world.broker.show_delayed();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now_delivered = world.totals().1;
        if now_delivered != delivered {
            (delivered, last) = (now_delivered, Instant::now());
        }
    }
}

/// Every moment that the database knows lies further back. Whatever is still under way may be in the way.
async fn pass_time(world: &World) -> Result<()> {
    for _ in 1..TRIES {
        if make_everything_older(world).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    make_everything_older(world).await
}

async fn make_everything_older(world: &World) -> Result<()> {
    let mut connection = world.servers.connect().await?;
    let columns = format!(
        "SELECT format('UPDATE %I SET %s', c.table_name,
                       string_agg(format('%1$I = %1$I - interval ''{PASSES}''', c.column_name), ', '))
         FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type = 'timestamp with time zone'
           AND c.table_name NOT IN ({AGELESS})
         GROUP BY c.table_name"
    );
    let statements = sqlx::query(AssertSqlSafe(columns))
        .fetch_all(&mut connection)
        .await?;
    let mut text = String::new();
    for row in statements {
        text += &row.try_get::<String, _>(0)?;
        text += ";\n";
    }
    text += &format!(
        "UPDATE payment_intents SET metadata = jsonb_set(metadata, '{{gateway}}', (metadata -> 'gateway')
           || jsonb_strip_nulls(jsonb_build_object(
                'asked_at', (metadata #>> '{{gateway,asked_at}}')::timestamptz - interval '{PASSES}',
                'answered_at', (metadata #>> '{{gateway,answered_at}}')::timestamptz - interval '{PASSES}')))
         WHERE metadata ? 'gateway'"
    );
    world.servers.run_sql(&text).await
}

/// In words; empty when nothing is left to do.
async fn left_to_do(world: &World) -> Result<String> {
    let mut connection = world.servers.connect().await?;
    let mut left = Vec::new();
    for (what, query) in WORK {
        let number: i64 = sqlx::query_scalar(query).fetch_one(&mut connection).await?;
        if number > 0 {
            left.push(format!("{number} {what}"));
        }
    }
    let messages = world.messages();
    if messages > 0 {
        left.push(format!("{messages} messages"));
    }
    let verdict = Verdict::of(world, "makegood").await?;
    let unfulfilled = verdict.lost.len() + verdict.unacknowledged;
    if unfulfilled > 0 {
        left.push(format!("{unfulfilled} payments"));
    }
    Ok(left.join(", "))
}

const WORK: [(&str, &str); 4] = [
    ("events", "SELECT count(*) FROM outbox WHERE published_at IS NULL"),
    (
        "jobs",
        "SELECT count(*) FROM job_queue WHERE status IN ('pending', 'processing')",
    ),
    (
        "undecided checkouts",
        "SELECT count(*) FROM payment_intents WHERE status IN ('pending', 'processing')",
    ),
    (
        "reservations",
        "SELECT count(*) FROM inventory_reservations WHERE status = 'active'",
    ),
];
