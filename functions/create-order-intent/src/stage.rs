//! The stage: find or reserve the buyer's one open intent of the cart, ask the gateway with no transaction open, note its answer.
//! A plain checkout is one call before the gateway and one statement after it; any other takes a transaction each.

use crate::cart::{CartRefusal, Snapshot};
use crate::limits::{Holder, Limits, TooMuch};
use crate::open::{Plan, Wanted, checkout_of, plan};
use crate::plain::{self, Plain};
use crate::price::{self, PriceChanged};
use crate::request::{CheckoutRequest, GRACE, Intent, KeyState, intent_id, least_amount_minor};
use crate::store;
use crate::tries::Tries;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::db::{Connection, Database, ErrorClass, classify};
use makegood::gateway::{GatewayError, Gateways, OpenedPayment, PaymentRequest, Provider};
use makegood::replacement;
use makegood::stock::{self, ReleasedAs, Reserved, Shortage};
use serde_json::json;
use uuid::Uuid;

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The goods are reserved, and the buyer can pay.
    Opened(Box<Intent>),
    /// Not enough of these; nothing was written.
    Short(Vec<Shortage>),
    /// The cart can't be checked out; nothing was written.
    Refused(CartRefusal),
    /// The cart costs more than the buyer was shown; nothing was written.
    PriceChanged(PriceChanged),
    /// The buyer, or their address, holds too much already; nothing was written.
    TooMuch(TooMuch),
    /// The key stands for another checkout; nothing was written.
    KeyReused,
    /// The key stands for a checkout that came to nothing or to an order, or that a newer one replaced.
    Ended(Box<Intent>),
    /// The cart is paid, or its money may be on its way; nothing was written.
    BeingMade(Box<Intent>),
    /// The gateway did not open the payment; what was reserved is free again.
    GatewayFailed {
        /// The intent, now failed.
        intent_id: String,
        /// Why; none when another request with the same key was told.
        error: Option<GatewayError>,
    },
}

/// What was found or made first: committed when there is an intent to go on with, else rolled back.
enum Begun {
    /// This request made the intent just now, and the gateway does not know of it yet.
    New(Intent),
    /// There is an intent that the gateway does not know of yet.
    Unopened(Intent),
    Done(Outcome),
}

/// The database, the gateways and the time.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// The database.
    pub database: &'a Database,
    /// The gateways.
    pub gateways: &'a Gateways,
    /// How much one buyer and one address may hold.
    pub limits: Limits,
    /// For how long after its payment link a checkout's prices hold.
    pub price_grace: TimeDelta,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Stage<'_> {
    /// Reserves the buyer's cart, all of it or nothing, and opens the payment at the gateway. The same cart, gateway and address as
    /// in the buyer's open intent give that one again; otherwise the new one takes its place, and its reservation.
    ///
    /// An intent that was reserved before and never opened is opened now: its maker died, or is still
    /// at it, and then the first to write wins and both give the same answer. The link of the other is never shown.
    ///
    /// # Errors
    /// Those of the database. What was reserved by then ends by itself, or is taken up by the next checkout.
    pub async fn check_out(&self, requested: &CheckoutRequest) -> Result<Outcome, sqlx::Error> {
        let (intent, is_new) = match self.begin_again(requested).await? {
            Begun::Done(outcome) => return Ok(outcome),
            Begun::New(intent) => (intent, true),
            Begun::Unopened(intent) => (intent, false),
        };
        let request = PaymentRequest {
            payment_intent_id: &intent.id,
            amount_minor: intent.amount_minor,
        };
        let provider = requested.checkout.provider;
        let opened = self.gateways.open_payment(provider, &request, self.now).await;
        if let Ok(opened) = &opened
            && is_new
            && self.note_plain(&intent.id, opened).await?
        {
            return Ok(Outcome::Opened(Box::new(intent.opened(opened))));
        }
        let written = self.note_with_tries(&intent.id, &opened).await?;
        let mut connection = self.database.acquire().await?;
        let intent = store::find(&mut connection, &intent.id).await?.unwrap_or(intent);
        Ok(conclude(intent, requested, opened.err().filter(|_| written)))
    }

    async fn begin_again(&self, requested: &CheckoutRequest) -> Result<Begun, sqlx::Error> {
        let mut tries = Tries::default();
        loop {
            match self.begin(requested).await {
                Ok(begun) => return Ok(begun),
                Err(error) => tries.again_after(error).await?,
            }
        }
    }

    /// False when another request had noted an answer before.
    async fn note_with_tries(
        &self,
        intent_id: &str,
        opened: &Result<OpenedPayment, GatewayError>,
    ) -> Result<bool, sqlx::Error> {
        let mut tries = Tries::default();
        loop {
            let noted = match opened {
                Ok(opened) => self.note_opened(intent_id, opened).await,
                Err(error) => self.note_failed(intent_id, error).await,
            };
            match noted {
                Ok(written) => return Ok(written),
                Err(error) => tries.again_after(error).await?,
            }
        }
    }

    async fn begin(&self, requested: &CheckoutRequest) -> Result<Begun, sqlx::Error> {
        match self.begin_plain(requested).await? {
            Some(begun) => Ok(begun),
            None => self.begin_in_transaction(requested).await,
        }
    }

    /// None when the checkout is not plain, and nothing was changed.
    async fn begin_plain(&self, requested: &CheckoutRequest) -> Result<Option<Begun>, sqlx::Error> {
        let provider = requested.checkout.provider;
        let expires_at = self.now + self.gateways.link_lifetime(provider) + GRACE;
        let mut intent = self.new_intent(requested, provider, 0, expires_at);
        let mut connection = self.database.acquire().await?;
        match plain::reserve(&mut connection, requested, &intent, self.limits, self.price_grace).await? {
            Plain::Reserved(amount_minor) => {
                intent.amount_minor = amount_minor;
                Ok(Some(Begun::New(intent)))
            }
            Plain::Short(short) => {
                let variants: Vec<Uuid> = short.iter().map(|short| short.variant_id).collect();
                // The transaction corrects a counter that is wrong, and looks again.
                let is_right = stock::are_counters_right(&mut connection, &variants).await?;
                Ok(is_right.then_some(Begun::Done(Outcome::Short(short))))
            }
            Plain::Not => Ok(None),
        }
    }

    async fn begin_in_transaction(&self, requested: &CheckoutRequest) -> Result<Begun, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        replacement::lock_buyer(&mut transaction, requested.buyer).await?;
        let known = match &requested.key {
            Some(key) => store::find_by_key(&mut transaction, requested.buyer, key).await?,
            None => None,
        };
        if let Some(known) = known {
            transaction.rollback().await?;
            return Ok(self.resume(known, requested));
        }
        let begun = self.take_up_or_reserve(&mut transaction, requested).await?;
        // Said at once, not when the connection is dropped: others wait for the stock.
        match &begun {
            Begun::New(_) | Begun::Unopened(_) | Begun::Done(Outcome::Opened(_)) => {
                transaction.commit().await?;
            }
            Begun::Done(_) => transaction.rollback().await?,
        }
        Ok(begun)
    }

    async fn take_up_or_reserve(
        &self,
        transaction: &mut Connection,
        requested: &CheckoutRequest,
    ) -> Result<Begun, sqlx::Error> {
        let provider = requested.checkout.provider;
        let Some((cart_id, lines)) = store::load_cart(transaction, requested.buyer).await? else {
            return Ok(Begun::Done(Outcome::Refused(CartRefusal::Empty)));
        };
        let snapshot = match Snapshot::take(&lines, least_amount_minor(provider)) {
            Ok(snapshot) => snapshot,
            Err(refusal) => return Ok(Begun::Done(Outcome::Refused(refusal))),
        };
        let accepted = requested.checkout.accepted_minor;
        let changed = price::changed(&lines, &snapshot, accepted);
        let open = store::lock_open(transaction, requested.buyer, cart_id).await?;
        let wanted = Wanted {
            provider: provider.wire_name(),
            shipping_address: &json!(requested.checkout.shipping_address),
            snapshot: &snapshot,
        };
        let planned = plan(open, wanted, self.now);
        // The sum of an open checkout was told when it was opened; a buyer who accepts less now is told again.
        let changed = changed.filter(|_| accepted.is_some() || !matches!(planned, Plan::Same(..)));
        match (planned, changed) {
            (Plan::Wait(intent), _) => Ok(Begun::Done(Outcome::BeingMade(Box::new(intent)))),
            (_, Some(changed)) => Ok(Begun::Done(Outcome::PriceChanged(changed))),
            (Plan::Same(intent, others), None) => self.take_up(transaction, requested, intent, &others).await,
            (Plan::Replace(replaced), None) => {
                self.reserve(transaction, requested, cart_id, &snapshot, &replaced)
                    .await
            }
        }
    }

    /// The intent that there is, which from now on stands for this request's key too.
    async fn take_up(
        &self,
        transaction: &mut Connection,
        requested: &CheckoutRequest,
        intent: Intent,
        others: &[String],
    ) -> Result<Begun, sqlx::Error> {
        if let Some(key) = &requested.key {
            store::add_key(transaction, &intent.id, key).await?;
        }
        if !others.is_empty() {
            stock::release_all(transaction, others).await?;
            let checkout = intent.checkout.as_ref().unwrap_or(&intent.id);
            replacement::replace(transaction, others, &intent.id, checkout, self.now).await?;
        }
        Ok(match intent.payment_url {
            Some(_) => Begun::Done(Outcome::Opened(Box::new(intent))),
            None => Begun::Unopened(intent),
        })
    }

    /// A new intent, which takes the place of these and what they hold.
    async fn reserve(
        &self,
        transaction: &mut Connection,
        requested: &CheckoutRequest,
        cart_id: Uuid,
        snapshot: &Snapshot,
        replaced: &[Intent],
    ) -> Result<Begun, sqlx::Error> {
        let from: Vec<String> = replaced.iter().map(|replaced| replaced.id.clone()).collect();
        if let Some(too_much) = self.too_much(transaction, requested, snapshot, &from).await? {
            return Ok(Begun::Done(Outcome::TooMuch(too_much)));
        }
        let provider = requested.checkout.provider;
        let expires_at = self.now + self.gateways.link_lifetime(provider) + GRACE;
        let mut intent = self.new_intent(requested, provider, snapshot.amount_minor, expires_at);
        intent.checkout = match checkout_of(replaced) {
            Some(checkout) => Some(checkout.to_owned()),
            None => {
                let variants: Vec<Uuid> = snapshot.items.iter().map(|item| item.variant_id).collect();
                replacement::join_earlier(transaction, requested.buyer, cart_id, &variants).await?
            }
        };
        store::insert_intent(
            transaction,
            requested,
            &intent,
            cart_id,
            snapshot,
            self.price_grace,
        )
        .await?;
        if let (Some(checkout), false) = (&intent.checkout, from.is_empty()) {
            replacement::replace(transaction, &from, &intent.id, checkout, self.now).await?;
        }
        let reserved = stock::move_to(transaction, &from, &intent.id, &snapshot.lines(), expires_at).await?;
        Ok(match reserved {
            Reserved::All => Begun::New(intent),
            Reserved::Short(short) => Begun::Done(Outcome::Short(short)),
        })
    }

    /// Whether the buyer, or all buyers of the address, would hold too much with this checkout. What it takes the place of is not
    /// counted, and a buyer who is given their open intent again is not asked.
    async fn too_much(
        &self,
        transaction: &mut Connection,
        requested: &CheckoutRequest,
        snapshot: &Snapshot,
        replaced: &[String],
    ) -> Result<Option<TooMuch>, sqlx::Error> {
        let wanted = snapshot.items.iter().map(|item| i64::from(item.quantity)).sum();
        let Limits { buyer, address } = self.limits;
        if buyer.is_any() {
            let held =
                store::held_by_buyer(transaction, requested.buyer, replaced, buyer.most_read()).await?;
            if let Some(too_much) = buyer.exceeded(Holder::Buyer, held, wanted, self.now) {
                return Ok(Some(too_much));
            }
        }
        let Some(client) = requested.client.as_deref().filter(|_| address.is_any()) else {
            return Ok(None);
        };
        let held = store::held_by_address(transaction, client, replaced, address.most_read()).await?;
        Ok(address.exceeded(Holder::Address, held, wanted, self.now))
    }

    /// What became of the checkout that was made with this key.
    fn resume(&self, known: Intent, requested: &CheckoutRequest) -> Begun {
        match known.state(&requested.checkout.fingerprint(), known.link_lives(self.now)) {
            KeyState::KeyReused => Begun::Done(Outcome::KeyReused),
            KeyState::Ended => Begun::Done(Outcome::Ended(Box::new(known))),
            KeyState::Opened => Begun::Done(Outcome::Opened(Box::new(known))),
            KeyState::Unopened => Begun::Unopened(known),
            KeyState::Paid => Begun::Done(Outcome::BeingMade(Box::new(known))),
        }
    }

    fn new_intent(
        &self,
        requested: &CheckoutRequest,
        provider: Provider,
        amount_minor: i64,
        expires_at: DateTime<Utc>,
    ) -> Intent {
        let random = Uuid::new_v4().as_fields().0;
        Intent {
            id: intent_id(provider, self.now, random),
            provider: provider.wire_name().to_owned(),
            amount_minor,
            status: "pending".to_owned(),
            payment_url: None,
            form_fields: None,
            expires_at: Some(expires_at),
            fingerprint: Some(requested.checkout.fingerprint()),
            checkout: None,
            replaced_by: None,
        }
    }

    /// In one statement, for an intent that this request made. False when another request holds or changed it: then nothing is
    /// written.
    async fn note_plain(&self, intent_id: &str, opened: &OpenedPayment) -> Result<bool, sqlx::Error> {
        let expires_at = opened.expires_at + GRACE;
        let mut connection = self.database.acquire().await?;
        let grace = self.price_grace;
        let noted = plain::open(&mut connection, intent_id, opened, expires_at, grace, self.now).await;
        match noted {
            Err(error) if classify(&error) == ErrorClass::Contention => Ok(false),
            noted => noted,
        }
    }

    /// False when another request had noted an answer before.
    async fn note_opened(&self, intent_id: &str, opened: &OpenedPayment) -> Result<bool, sqlx::Error> {
        let expires_at = opened.expires_at + GRACE;
        let mut transaction = self.database.begin().await?;
        let grace = self.price_grace;
        let won =
            store::open_if_unopened(&mut transaction, intent_id, opened, expires_at, grace, self.now).await?;
        if won {
            stock::extend_if_active(&mut transaction, intent_id, expires_at).await?;
        }
        transaction.commit().await?;
        Ok(won)
    }

    /// False when another request had noted an answer before.
    async fn note_failed(&self, intent_id: &str, error: &GatewayError) -> Result<bool, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        let won = store::fail_if_unopened(&mut transaction, intent_id, error.code(), self.now).await?;
        if won {
            stock::release_if_active(&mut transaction, intent_id, ReleasedAs::Released).await?;
        }
        transaction.commit().await?;
        Ok(won)
    }
}

/// The row says what is so, whoever wrote it.
fn conclude(intent: Intent, requested: &CheckoutRequest, error: Option<GatewayError>) -> Outcome {
    match intent.state(&requested.checkout.fingerprint(), true) {
        KeyState::Opened => Outcome::Opened(Box::new(intent)),
        KeyState::Paid => Outcome::BeingMade(Box::new(intent)),
        KeyState::Ended if intent.payment_url.is_some() || intent.replaced_by.is_some() => {
            Outcome::Ended(Box::new(intent))
        }
        KeyState::Ended | KeyState::Unopened | KeyState::KeyReused => Outcome::GatewayFailed {
            intent_id: intent.id,
            error,
        },
    }
}
