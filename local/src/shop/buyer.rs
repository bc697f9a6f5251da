//! A buyer acts out a story, over HTTP as a browser and the shop's page would.

use super::api::Answer;
use super::browser::{Led, Page};
use super::catalogue::add_to_cart;
use super::context::Shop;
use super::stories::{Buyer, Story};
use crate::gateway::{Behaviour, PaymentState};
use crate::identity::Who;
use anyhow::{Context, Result, bail};
use makegood::gateway::Provider;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

const HOLD_SECONDS: u8 = 5;

/// What a buyer came to, as the page saw it.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    pub(super) buyer: &'a Buyer,
    /// The checkout; none when it was refused.
    pub(super) intent: Option<String>,
    /// What was put into the cart after the checkout.
    pub(super) added: Option<Uuid>,
    /// From pressing "Pay" until the page knew the order, in milliseconds.
    pub(super) millis: Option<u64>,
    /// What should have been otherwise, in words.
    pub(super) unexpected: Vec<String>,
    token: String,
    page: Option<Page>,
}

impl<'a> Visit<'a> {
    fn of(buyer: &'a Buyer, shop: &Shop<'_>) -> Self {
        Self {
            buyer,
            intent: None,
            added: None,
            millis: None,
            unexpected: Vec::new(),
            token: shop.identity.token(Who::Buyer(buyer.user)),
            page: None,
        }
    }

    fn intent(&self) -> &str {
        self.intent.as_deref().unwrap_or_default()
    }

    /// Notes what went wrong, so that one buyer's trouble does not end the run.
    fn note(&mut self, done: Result<()>) {
        if let Err(error) = done {
            let (story, user) = (self.buyer.story, self.buyer.user);
            let intent = self.intent.as_deref().unwrap_or("no checkout");
            self.unexpected
                .push(format!("{story:?} ({user}, {intent}): {error:#}"));
        }
    }

    fn page(&self) -> Result<&Page> {
        self.page.as_ref().context("the payment's page is not open")
    }
}

impl Shop<'_> {
    /// From the checkout to whatever the buyer does at once.
    pub(super) async fn come<'a>(&self, buyer: &'a Buyer) -> Visit<'a> {
        let mut visit = Visit::of(buyer, self);
        let done = self.act(&mut visit).await;
        visit.note(done);
        visit
    }

    /// Those who pay late do so now.
    pub(super) async fn come_again(&self, visit: &mut Visit<'_>) {
        let done = match visit.buyer.story {
            Story::PaysLate => self.pay_and_wait(visit).await,
            Story::PaysTooLate => self.pay_for_nothing(visit).await,
            _ => Ok(()),
        };
        visit.note(done);
    }

    /// Those who closed the tab look a day later, as it were; what they then see is there because a sweep made it.
    pub(super) async fn ask_again(&self, visit: &mut Visit<'_>) {
        if visit.buyer.story == Story::ClosesTab {
            let done = self.wait_for_order(visit).await;
            visit.note(done);
        }
    }

    async fn act(&self, visit: &mut Visit<'_>) -> Result<()> {
        let story = visit.buyer.story;
        if story == Story::WantsTooMuch {
            return self.be_refused(visit).await;
        }
        self.check_out(visit).await?;
        match story {
            Story::ChangesCart => visit.added = add_to_cart(&self.pool, self.plan, visit.buyer).await?,
            Story::GatewayIsUnsure => {
                let pending = Behaviour::Answer(PaymentState::Pending);
                self.tell_gateway(visit, pending).await?;
            }
            Story::OpensSecondTab => self.open_second_tab(visit).await?,
            Story::PaysWrongAmount => self.tell_gateway(visit, Behaviour::WrongAmount).await?,
            _ => {}
        }
        match story {
            Story::PaysLate | Story::PaysTooLate => Ok(()),
            Story::Cancels => self.cancel(visit).await,
            Story::ClosesTab => self.press_and_go(visit, "Pay, then close the tab").await,
            Story::WalksAway => self.press_and_go(visit, "Walk away").await,
            Story::PaysWrongAmount => self.pay_for_nothing(visit).await,
            _ => self.pay_and_wait(visit).await,
        }
    }

    async fn check_out(&self, visit: &mut Visit<'_>) -> Result<()> {
        let provider = visit.buyer.provider;
        let key = format!("cart-{}", visit.buyer.user.simple());
        let token = Some(visit.token.as_str());
        let (status, body) = if visit.buyer.story == Story::ChecksOutTwice {
            let (one, other) = tokio::try_join!(
                self.api.check_out(token, provider, &key),
                self.api.check_out(token, provider, &key)
            )?;
            if one.1["payment_intent_id"] != other.1["payment_intent_id"] {
                bail!("one key made two checkouts: {} and {}", one.1, other.1);
            }
            one
        } else {
            self.api.check_out(token, provider, &key).await?
        };
        let (Some(intent), Some(url)) = (body["payment_intent_id"].as_str(), body["payment_url"].as_str())
        else {
            bail!("the checkout was answered {status}: {body}");
        };
        visit.intent = Some(intent.to_owned());
        let asked = self.plan.price_of(visit.buyer);
        if body["amount_cents"].as_i64() != Some(asked) {
            bail!(
                "the checkout asks for {}, the cart costs {asked}",
                body["amount_cents"]
            );
        }
        let form: Option<BTreeMap<String, String>> =
            serde_json::from_value(body["form_fields"].clone()).unwrap_or_default();
        visit.page = Some(self.browser.go(url, form.as_ref()).await?);
        Ok(())
    }

    /// The same cart in another tab is the same checkout. With the other gateway it takes the first one's place; the buyer goes back to
    /// the first tab and pays there all the same.
    async fn open_second_tab(&self, visit: &Visit<'_>) -> Result<()> {
        let (token, user) = (Some(visit.token.as_str()), visit.buyer.user.simple());
        let provider = visit.buyer.provider;
        let other = match provider {
            Provider::Esewa => Provider::Khalti,
            Provider::Khalti => Provider::Esewa,
        };
        let (status, same) = self
            .api
            .check_out(token, provider, &format!("tab-{user}"))
            .await?;
        if same["payment_intent_id"].as_str() != Some(visit.intent()) {
            bail!("the same cart in a second tab was answered {status}: {same}");
        }
        let (status, newer) = self.api.check_out(token, other, &format!("other-{user}")).await?;
        if status != 200 || newer["payment_intent_id"].as_str() == Some(visit.intent()) {
            bail!("the other gateway in a second tab was answered {status}: {newer}");
        }
        Ok(())
    }

    async fn be_refused(&self, visit: &mut Visit<'_>) -> Result<()> {
        let key = format!("cart-{}", visit.buyer.user.simple());
        let token = Some(visit.token.as_str());
        let (status, body) = self.api.check_out(token, visit.buyer.provider, &key).await?;
        let (place, wanted) = visit.buyer.basket[0];
        let article = &self.plan.articles[place];
        let short = &body["error"]["items"][0];
        let named = short["sku"] == article.sku.as_str()
            && short["wanted"].as_i64() == Some(wanted.into())
            && short["available"]
                .as_i64()
                .is_some_and(|there| there < wanted.into());
        if status != 409 || !named {
            bail!(
                "a cart with too much of {} was answered {status}: {body}",
                article.sku
            );
        }
        Ok(())
    }

    /// Presses "Pay", comes back, asks whether it is paid, and waits for the order.
    async fn pay_and_wait(&self, visit: &mut Visit<'_>) -> Result<()> {
        let pressed = Instant::now();
        let brought = self.press_and_come_back(visit, "Pay").await?;
        self.be_verified(visit.buyer.story, &brought).await?;
        self.wait_for_order(visit).await?;
        visit.millis = Some(u64::try_from(pressed.elapsed().as_millis()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Presses "Pay", and must be told that a person looks after it.
    async fn pay_for_nothing(&self, visit: &mut Visit<'_>) -> Result<()> {
        let brought = self.press_and_come_back(visit, "Pay").await?;
        let (status, body) = self.api.verify(&brought).await?;
        if status != 200 {
            bail!("the payment was answered {status}: {body}");
        }
        let body = self.wait_until(visit, needs_attention).await?;
        if !needs_attention(&body) {
            bail!("the page says {body} where a person must look");
        }
        Ok(())
    }

    async fn cancel(&self, visit: &Visit<'_>) -> Result<()> {
        let brought = self.press_and_come_back(visit, "Cancel").await?;
        let (status, body) = self.api.verify(&brought).await?;
        if (status, body["status"].as_str()) != (200, Some("failed")) {
            bail!("a cancelled payment was answered {status}: {body}");
        }
        Ok(())
    }

    /// The page's part after the buyer is back: it asks, again when told to.
    async fn be_verified(&self, story: Story, brought: &BTreeMap<String, String>) -> Result<()> {
        let until = Instant::now() + self.wanted.patience;
        loop {
            let (status, body) = self.ask(story, brought).await?;
            match (status, body["status"].as_str()) {
                (200, Some("success")) => return Ok(()),
                (202, _) if Instant::now() < until => {
                    let millis = body["retry_after_ms"].as_u64().unwrap_or(1_000);
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                }
                _ => bail!("a payment was answered {status}: {body}"),
            }
        }
    }

    async fn ask(&self, story: Story, brought: &BTreeMap<String, String>) -> Result<Answer> {
        if story != Story::ClicksTwice {
            return self.api.verify(brought).await;
        }
        let (one, other, third) = tokio::try_join!(
            self.api.verify(brought),
            self.api.verify(brought),
            self.api.verify(brought)
        )?;
        for again in [&other, &third] {
            if (one.0, &one.1["status"]) != (again.0, &again.1["status"]) {
                bail!("one payment, two answers: {one:?} and {again:?}");
            }
        }
        Ok(one)
    }

    async fn wait_for_order(&self, visit: &Visit<'_>) -> Result<()> {
        let exists = |body: &Value| body["exists"].as_bool() == Some(true);
        let body = self.wait_until(visit, exists).await?;
        let lines = i64::try_from(visit.buyer.basket.len())?;
        if !exists(&body) || body["items_count"].as_i64() != Some(lines) {
            bail!("the page says {body}, where an order with {lines} lines is due");
        }
        Ok(())
    }

    /// Asks for the order as the page does, held for seconds, until it is as wanted or the page stops asking.
    async fn wait_until(&self, visit: &Visit<'_>, wanted: fn(&Value) -> bool) -> Result<Value> {
        let until = Instant::now() + self.wanted.patience;
        loop {
            let token = Some(visit.token.as_str());
            let (status, body) = self.api.status(token, visit.intent(), HOLD_SECONDS).await?;
            if status != 200 {
                bail!("the page asked for the order and was answered {status}: {body}");
            }
            if wanted(&body) || Instant::now() > until {
                return Ok(body);
            }
            // An answer that will not change soon was not held.
            let millis = body["retry_after_ms"].as_u64().unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(millis.min(500))).await;
        }
    }

    async fn press_and_come_back(&self, visit: &Visit<'_>, button: &str) -> Result<BTreeMap<String, String>> {
        match self.browser.press(visit.page()?, button, &self.home).await? {
            Led::Home(brought) => Ok(brought),
            Led::Page => bail!("{button:?} does not lead back to the shop"),
        }
    }

    async fn press_and_go(&self, visit: &Visit<'_>, button: &str) -> Result<()> {
        match self.browser.press(visit.page()?, button, &self.home).await? {
            Led::Page => Ok(()),
            Led::Home(_) => bail!("{button:?} leads back to the shop"),
        }
    }

    async fn tell_gateway(&self, visit: &Visit<'_>, behaviour: Behaviour) -> Result<()> {
        let id = sqlx::query_scalar!(
            "SELECT external_transaction_id FROM payment_intents WHERE payment_intent_id = $1",
            visit.intent()
        );
        let id = id.fetch_one(&self.pool).await?;
        let control = serde_json::json!({"payment": id, "script": [behaviour]});
        let told = self.api.http.post(format!("{}/_control", self.gateways_url));
        let told = told.json(&control).send().await?;
        told.error_for_status()
            .context("the gateways' stub does not take orders")?;
        Ok(())
    }
}

fn needs_attention(body: &Value) -> bool {
    body["state"] == "needs_attention"
}

/// The checkouts of those with such a story.
pub(super) fn intents(visits: &[Visit<'_>], such: impl Fn(Story) -> bool) -> Vec<String> {
    let those = visits.iter().filter(|visit| such(visit.buyer.story));
    those.filter_map(|visit| visit.intent.clone()).collect()
}
