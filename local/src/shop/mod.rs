//! The shop's half of a run: buyers fill carts, check out, pay at the gateways' stub, come back or don't, and what became
//! of all of them is counted and checked.

mod api;
mod browser;
mod buyer;
mod catalogue;
mod context;
mod figures;
mod guarantees;
mod mailer;
pub mod stories;
mod sweeps;

use crate::guarantees::Promise;
use crate::settings::Settings;
use crate::stubs::identity_of;
use anyhow::{Context, Result};
pub use context::Wanted;

use api::Api;
use browser::Browser;
use buyer::{Visit, intents};
use context::Shop;
use figures::Figures;
use futures::stream::{self, StreamExt};
use makegood::clock::Clock;
use reqwest::Url;
use sqlx::PgPool;
use std::time::{Duration, Instant};
use stories::{Buyer, Plan, Story};
pub(crate) use sweeps::run as run_sweep;
use uuid::Uuid;

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Lets the buyers come and prints what came of them; gives back the promises that were not kept.
///
/// # Errors
/// When the stack can't be reached.
pub async fn run(settings: &Settings, wanted: Wanted, pool: &PgPool, clock: Clock) -> Result<Vec<String>> {
    let plan = Plan::of(Uuid::new_v4(), wanted.buyers);
    let shop = Shop {
        plan: &plan,
        pool: pool.clone(),
        api: Api {
            base: settings.api_url.clone(),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()?,
        },
        browser: Browser::open()?,
        identity: identity_of(&settings.outside, clock)?,
        gateways_url: settings.outside.gateways_url(),
        home: Url::parse(&settings.outside.shop_url()).context("the shop's address is none")?,
        mailbox: settings.order_confirmed_queue_url.clone(),
        wanted,
        opened: Instant::now(),
    };
    catalogue::stock_shelves(pool, &plan).await?;
    catalogue::fill_carts(pool, &plan).await?;
    let mut visits = shop.day(settings).await?;
    let settled = shop.until_settled(&visits).await?;
    if let Some(stranger) = guarantees::strangers_see_nothing(&shop, &visits).await? {
        visits[0].unexpected.push(stranger);
    }
    report(&shop, &visits, settled).await
}

impl Shop<'_> {
    /// All that happens, in the order in which it must.
    async fn day(&self, settings: &Settings) -> Result<Vec<Visit<'_>>> {
        let (later, first): (Vec<&Buyer>, Vec<&Buyer>) = self
            .plan
            .buyers
            .iter()
            .partition(|buyer| buyer.story == Story::TakesLastPiece);
        self.say(&format!(
            "{} buyers check out and go to eSewa or Khalti",
            first.len()
        ));
        let mut visits = self.let_come(&first).await;

        let late = intents(&visits, Story::outlives_its_reservation);
        let closed = intents(&visits, |story| story == Story::ClosesTab);
        sweeps::let_time_pass(&self.pool, &late, &closed).await?;
        self.say(&format!(
            "no waiting here: {} checkouts are made two hours older in the database, {} whose tab was closed ten minutes",
            late.len(),
            closed.len()
        ));
        let freed = sweeps::run(settings, &self.api.http, "reservations").await?;
        self.say(&format!(
            "the sweep of reservations, run at once, answers {freed}"
        ));

        visits.extend(self.let_come(&later).await);
        self.say(&format!(
            "{} pay after their reservation has ended",
            late.len() - self.plan.telling(Story::WalksAway)
        ));
        for visit in &mut visits {
            self.come_again(visit).await;
        }
        let healed = sweeps::run(settings, &self.api.http, "reconcile").await?;
        self.say(&format!("reconcile, run at once, answers {}", healed["order"]));
        for visit in &mut visits {
            self.ask_again(visit).await;
        }
        Ok(visits)
    }

    async fn let_come<'b>(&self, buyers: &[&'b Buyer]) -> Vec<Visit<'b>> {
        stream::iter(buyers)
            .map(|buyer| self.come(buyer))
            .buffered(self.wanted.at_once)
            .collect()
            .await
    }

    /// Waits until no job is under way and nothing is reserved, or nothing has moved for as long as is wanted; true for the former.
    async fn until_settled(&self, visits: &[Visit<'_>]) -> Result<bool> {
        let intents = intents(visits, |_| true);
        let (mut latest, mut moved) = (None, Instant::now());
        loop {
            let left = figures::left_to_do(&self.pool, &intents).await?;
            if left == 0 {
                return Ok(true);
            }
            if latest != Some(left) {
                (latest, moved) = (Some(left), Instant::now());
            }
            if moved.elapsed() > self.wanted.patience {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn report(shop: &Shop<'_>, visits: &[Visit<'_>], settled: bool) -> Result<Vec<String>> {
    let figures = Figures::read(shop, visits).await?;
    println!("\n{}", figures.table(shop.plan, visits));
    let mut promises = guarantees::ask(shop, visits).await?;
    promises.push(Promise::new(
        "    nothing is under way any more, and nothing reserved",
        i64::from(!settled),
    ));
    promises.iter().for_each(|promise| println!("{}", promise.line()));
    let unexpected = visits.iter().flat_map(|visit| &visit.unexpected);
    unexpected.take(10).for_each(|line| println!("  {line}"));
    let broken = promises.into_iter().filter(|promise| !promise.is_kept());
    Ok(broken.map(|promise| promise.text).collect())
}
