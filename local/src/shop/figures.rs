//! What the shop's half of a run came to, as a table.

use super::buyer::{Visit, intents};
use super::context::Shop;
use super::stories::{Plan, Story};
use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use sqlx::PgPool;

/// What is counted in the database.
#[derive(Debug)]
pub(super) struct Figures {
    orders: i64,
    pieces_ordered: i64,
    turnover_minor: i64,
    available: i64,
    reserved: i64,
    sold: i64,
    consumed: i64,
    released: i64,
    expired: i64,
    healed: i64,
    cases: Vec<(String, i64)>,
}

impl Figures {
    /// Counts what is there of this run.
    pub(super) async fn read(shop: &Shop<'_>, visits: &[Visit<'_>]) -> Result<Self> {
        let all = intents(visits, |_| true);
        let closed = intents(visits, |story| story == Story::ClosesTab);
        let variants: Vec<_> = shop.plan.articles.iter().map(|article| article.variant).collect();
        let row = sqlx::query_file!("src/sql/shop_figures.sql", &all, &variants, &closed)
            .fetch_one(&shop.pool)
            .await?;
        let cases = sqlx::query!(
            r#"SELECT kind, count(*) AS "number!" FROM payment_cases
               WHERE payment_intent_id = ANY($1) AND status = 'open' GROUP BY kind ORDER BY kind"#,
            &all
        );
        let cases = cases.fetch_all(&shop.pool).await?;
        Ok(Self {
            orders: row.orders,
            pieces_ordered: row.pieces_ordered,
            turnover_minor: row.turnover_minor,
            available: row.available,
            reserved: row.reserved,
            sold: row.sold,
            consumed: row.consumed,
            released: row.released,
            expired: row.expired,
            healed: row.healed,
            cases: cases.into_iter().map(|row| (row.kind, row.number)).collect(),
        })
    }

    /// As a table.
    pub(super) fn table(&self, plan: &Plan, visits: &[Visit<'_>]) -> String {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED);
        let opened = visits.iter().filter(|visit| visit.intent.is_some()).count();
        let cases: Vec<String> = self
            .cases
            .iter()
            .map(|(kind, number)| format!("{kind} {number}"))
            .collect();
        for (name, value) in [
            ("buyers", buyers(plan)),
            (
                "checkouts",
                format!("opened {opened} · refused {}", visits.len() - opened),
            ),
            (
                "orders",
                format!(
                    "{} with {} pieces for NPR {}.{:02}",
                    self.orders,
                    self.pieces_ordered,
                    self.turnover_minor / 100,
                    self.turnover_minor % 100
                ),
            ),
            (
                "stock",
                format!(
                    "available {} · reserved {} · sold {}",
                    self.available, self.reserved, self.sold
                ),
            ),
            (
                "reservations",
                format!(
                    "became orders {} · given back {} · ended by time {}",
                    self.consumed, self.released, self.expired
                ),
            ),
            (
                "reconciled payments",
                format!("{} whose buyers had closed the tab", self.healed),
            ),
            ("open payment cases", cases.join(" · ")),
            ("payment to order", durations(visits)),
        ] {
            table.add_row([name.to_owned(), value]);
        }
        table.to_string()
    }
}

fn buyers(plan: &Plan) -> String {
    let told = |story| plan.telling(story);
    format!(
        "{}: {} cancel, {} close the tab, {} leave, {} pay late, {} want too much, 1 pays a wrong amount",
        plan.buyers.len(),
        told(Story::Cancels),
        told(Story::ClosesTab),
        told(Story::WalksAway),
        told(Story::PaysLate) + told(Story::PaysTooLate),
        told(Story::WantsTooMuch),
    )
}

/// From pressing "Pay" until the page knew the order. Whoever's gateway was unsure at first waited for the gateway, not for us.
fn durations(visits: &[Visit<'_>]) -> String {
    let ours = visits
        .iter()
        .filter(|visit| visit.buyer.story.comes_back() && visit.buyer.story != Story::GatewayIsUnsure);
    let mut millis: Vec<u64> = ours.filter_map(|visit| visit.millis).collect();
    millis.sort_unstable();
    let rank = |percent: usize| millis.get((millis.len() * percent).div_ceil(100).saturating_sub(1));
    match (rank(50), rank(95), rank(99), millis.last()) {
        (Some(p50), Some(p95), Some(p99), Some(longest)) => format!(
            "p50 {p50} ms · p95 {p95} ms · p99 {p99} ms · max {longest} ms, from \"Pay\" until the page knew ({} buyers)",
            millis.len()
        ),
        _ => "none".to_owned(),
    }
}

/// Jobs that are not done, and reservations that still hold stock, of these checkouts.
pub(super) async fn left_to_do(pool: &PgPool, intents: &[String]) -> Result<i64> {
    let left = sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM job_queue
                   WHERE status IN ('pending', 'processing') AND payload ->> 'payment_intent_id' = ANY($1))
                + (SELECT count(*) FROM inventory_reservations WHERE status = 'active' AND payment_intent_id = ANY($1))
                AS "left!""#,
        intents
    );
    Ok(left.fetch_one(pool).await?)
}
