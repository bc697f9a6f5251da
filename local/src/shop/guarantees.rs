//! The promises of the shop's half, each a line. What is paid is taken from the gateways' own report, not from our tables.

use super::buyer::{Visit, intents};
use super::context::Shop;
use super::mailer;
use super::stories::{Article, End};
use crate::gateway::PaymentState;
use crate::guarantees::Promise;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::time::Duration;

/// For how long the mailer waits for the next message. What a publication missed is the sweep's, which comes each minute.
const MAILER_WAITS: Duration = Duration::from_secs(90);

/// What of the gateways' report matters here.
#[derive(Debug, Deserialize)]
struct Report {
    payments: Vec<Payment>,
}

#[derive(Debug, Deserialize)]
struct Payment {
    id: String,
    state: PaymentState,
}

/// Asks the gateways and the database about this run.
pub(super) async fn ask(shop: &Shop<'_>, visits: &[Visit<'_>]) -> Result<Vec<Promise>> {
    let all = intents(visits, |_| true);
    let of = |what: fn(&Article) -> i32| shop.plan.articles.iter().map(what).collect::<Vec<_>>();
    let variants: Vec<_> = shop.plan.articles.iter().map(|article| article.variant).collect();
    let paid = paid(shop).await?;
    let broken = sqlx::query_file!(
        "src/sql/shop_guarantees.sql",
        &all,
        &paid,
        &variants,
        &of(|article| article.stock)
    );
    let broken = broken.fetch_one(&shop.pool).await?;
    let orders = sqlx::query_scalar!("SELECT id FROM orders WHERE payment_intent_id = ANY($1)", &all);
    let orders = orders.fetch_all(&shop.pool).await?;
    let unheard = mailer::not_told(&shop.mailbox, &orders, shop.wanted.patience.min(MAILER_WAITS)).await?;
    let told: usize = visits.iter().map(|visit| visit.unexpected.len()).sum();
    Ok(vec![
        Promise::new(
            "G4  every order was published, and sent or in the sweep's hands",
            broken.unpublished,
        ),
        Promise::new(
            "G4  the shop's mailer has heard of every order",
            i64::try_from(unheard.len())?,
        ),
        Promise::new(
            "G5  every payment that a gateway calls paid has exactly one order with its items, or an open case",
            broken.unfulfilled,
        ),
        Promise::new(
            "G5  nothing was ordered that was not paid, and every order is what was paid for",
            broken.invented,
        ),
        Promise::new(
            "G6  no stock is oversold: available and sold make what was stocked, and nothing is reserved",
            broken.miscounted,
        ),
        Promise::new(
            "G7  no job is under way beyond its lease, and none has failed without a case",
            broken.stuck,
        ),
        Promise::new(
            "    every buyer's story ended as it must",
            wrong_ends(shop, visits).await?,
        ),
        Promise::new(
            "    carts lost what was bought and kept what was added later",
            wrong_carts(shop, visits).await?,
        ),
        Promise::new(
            "    everybody was told what they must be told, and strangers nothing",
            i64::try_from(told)?,
        ),
    ])
}

/// What the gateways themselves call paid, by their own names for it.
async fn paid(shop: &Shop<'_>) -> Result<Vec<String>> {
    let answer = shop
        .api
        .http
        .get(format!("{}/_control", shop.gateways_url))
        .send()
        .await;
    let report: Report = answer.context("the gateways' stub is gone")?.json().await?;
    let paid = report
        .payments
        .into_iter()
        .filter(|payment| payment.state == PaymentState::Completed);
    Ok(paid.map(|payment| payment.id).collect())
}

/// Buyers whose checkout came to something else than their story says.
async fn wrong_ends(shop: &Shop<'_>, visits: &[Visit<'_>]) -> Result<i64> {
    let mut wrong = 0;
    for visit in visits {
        let Some(intent) = &visit.intent else {
            wrong += i64::from(visit.buyer.story.end() != End::Refused);
            continue;
        };
        let found = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM orders WHERE payment_intent_id = $1) AS "orders!",
                      (SELECT string_agg(kind, ',' ORDER BY kind) FROM payment_cases
                       WHERE payment_intent_id = $1 AND status = 'open') AS cases"#,
            intent
        );
        let found = found.fetch_one(&shop.pool).await?;
        let right = match visit.buyer.story.end() {
            End::Order => (found.orders, found.cases.as_deref()) == (1, None),
            End::Case(kind) => (found.orders, found.cases.as_deref()) == (0, Some(kind)),
            End::Nothing | End::Refused => (found.orders, found.cases.as_deref()) == (0, None),
        };
        wrong += i64::from(!right);
    }
    Ok(wrong)
}

/// Carts that hold something else than what was not bought.
async fn wrong_carts(shop: &Shop<'_>, visits: &[Visit<'_>]) -> Result<i64> {
    let mut wrong = 0;
    for visit in visits {
        let left = sqlx::query!(
            "SELECT i.variant_id FROM cart_items i JOIN carts c ON c.id = i.cart_id WHERE c.user_id = $1",
            visit.buyer.user
        );
        let left = left.fetch_all(&shop.pool).await?;
        let bought = visit.buyer.story.end() == End::Order;
        let right = match visit.added {
            Some(added) => left.len() == 1 && left[0].variant_id == added,
            None if bought => left.is_empty(),
            None => left.len() == visit.buyer.basket.len(),
        };
        wrong += i64::from(!right);
    }
    Ok(wrong)
}

/// Without a token, or with another buyer's, there is nothing to see; otherwise what was seen, in words.
pub(super) async fn strangers_see_nothing(shop: &Shop<'_>, visits: &[Visit<'_>]) -> Result<Option<String>> {
    let [one, .., other] = visits else {
        return Ok(None);
    };
    let (Some(intent), Some(provider)) = (&other.intent, Some(other.buyer.provider)) else {
        return Ok(None);
    };
    let stranger = shop.identity.token(crate::identity::Who::Buyer(one.buyer.user));
    let without = shop.api.check_out(None, provider, "without").await?.0;
    let forged = shop.api.status(Some(&format!("{stranger}x")), intent, 0).await?.0;
    let foreign = shop.api.status(Some(&stranger), intent, 0).await?.0;
    let answers = (without, forged, foreign);
    Ok((answers != (401, 401, 404)).then(|| {
        format!("no token, a forged one and another buyer's were answered {answers:?}, not 401, 401 and 404")
    }))
}
