//! `finalize_order`: one transaction makes the order of a paid intent with all that belongs to it, and completes the job.
//! Whatever stands in the way rolls all of it back.

use crate::cart;
use crate::handler::{FinalizeOrder, NAME};
use crate::number::order_number;
use crate::payload::intent_id;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::store::{self, Intent, NewOrder};
use crate::worker::Performed;
use chrono::{DateTime, Utc};
use makegood::cause::Cause;
use makegood::db::{Connection, ErrorClass, classify};
use makegood::event::{Envelope, EventType, OrderConfirmed};
use makegood::ids::{CorrelationId, OrderId, UserId};
use makegood::job::{self, Completion, Job, JobFailure};
use makegood::outbox::{self, OutboxEvent, OutboxRow};
use makegood::replacement;
use makegood::stock::{self, Consumed, Reserved};
use makegood::telemetry::millis;
use uuid::Uuid;

/// How often the transaction is tried when another one changed the same rows.
const TRIES: usize = 3;
/// How many numbers are drawn before the job is put back.
const NUMBERS: usize = 5;

/// Why the transaction is rolled back.
#[derive(Debug, thiserror::Error)]
enum RolledBack {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the lease was taken away")]
    LostLease,
    #[error("the stock changed meanwhile")]
    Contested,
    #[error("no free order number was drawn")]
    NoNumber,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What was committed: nothing new when the order was there before.
#[derive(Debug, Default)]
struct Committed {
    order: Option<(NewOrder, Intent)>,
    published: Vec<OutboxRow>,
}

impl FinalizeOrder {
    /// Makes the order that the job asks for, optimistically: a transaction that met another's changes is tried again a
    /// few times. Publishes after the commit.
    pub(crate) async fn process_order_with_occ(&self, job: &Job) -> Result<Performed, JobFailure> {
        let Some(intent_id) = intent_id(&job.payload) else {
            return Ok(Performed::Refused(Refusal::NoIntentNamed));
        };
        for _ in 0..TRIES {
            match self.process_order(job, intent_id).await {
                Ok(committed) => {
                    self.publish(job, committed).await;
                    return Ok(Performed::Done);
                }
                Err(RolledBack::Refused(refusal)) => return Ok(Performed::Refused(refusal)),
                Err(RolledBack::LostLease) => return Ok(Performed::LostLease),
                Err(RolledBack::Contested) => {}
                Err(RolledBack::Database(error)) if classify(&error) == ErrorClass::Contention => {}
                Err(RolledBack::Database(error)) => return Err(error.into()),
                Err(error @ RolledBack::NoNumber) => {
                    return Err(JobFailure::passing(
                        "order_number_taken",
                        error.to_string(),
                        Cause::OwnFault,
                    ));
                }
            }
        }
        let reason = format!("other transactions changed the same rows {TRIES} times");
        Err(JobFailure::passing("contested", reason, Cause::Lock))
    }

    async fn process_order(&self, job: &Job, intent_id: &str) -> Result<Committed, RolledBack> {
        let mut transaction = self.publisher.database.begin().await?;
        replacement::lock_buyer_of(&mut transaction, intent_id).await?;
        stock::lock_intent(&mut transaction, intent_id).await?;
        let intent = store::load_locked(&mut transaction, intent_id)
            .await?
            .ok_or_else(|| Refusal::UnknownIntent(intent_id.to_owned()))?;
        let now = self.clock.now();
        let mut committed = Committed::default();
        if !intent.has_order {
            let (order, published) = self.make_order(&mut transaction, &intent, now).await?;
            committed = Committed {
                order: Some((order, intent)),
                published,
            };
        }
        store::settle_intent(&mut transaction, intent_id, now).await?;
        match job::complete_job_if_owned(&mut transaction, &job.lease).await? {
            Completion::LostRace => return Err(RolledBack::LostLease),
            Completion::Completed => transaction.commit().await?,
        }
        Ok(committed)
    }

    async fn make_order(
        &self,
        transaction: &mut Connection,
        intent: &Intent,
        now: DateTime<Utc>,
    ) -> Result<(NewOrder, Vec<OutboxRow>), RolledBack> {
        if intent.verified_at.is_none() {
            return Err(Refusal::NotVerified.into());
        }
        if intent.refund_requested {
            return Err(Refusal::RefundRequested.into());
        }
        let open = end_related(transaction, intent, now).await?;
        let snapshot = Snapshot::read(&intent.items, intent.amount_cents)?;
        snapshot.check(&store::states(transaction, &snapshot.items).await?)?;
        let order = self.insert_order(transaction, intent, now).await?;
        if store::insert_items(transaction, order.id, &intent.items).await? == 0 {
            return Err(Refusal::NoItems.into());
        }
        take_stock(transaction, intent, open, &snapshot, order.id, now).await?;
        if let Some(cart_id) = intent.cart_id {
            cart::remove_bought(transaction, cart_id, &snapshot.wanted()).await?;
        }
        let outbox_event = outbox_event(intent, &order, snapshot.items.len());
        let published = outbox::enqueue(transaction, &[outbox_event]).await?;
        Ok((order, published))
    }

    /// Draws another id when the number is taken.
    async fn insert_order(
        &self,
        transaction: &mut Connection,
        intent: &Intent,
        now: DateTime<Utc>,
    ) -> Result<NewOrder, RolledBack> {
        let day = self.clock.today(self.timezone);
        for _ in 0..NUMBERS {
            let id = (self.new_id)();
            let order = NewOrder {
                id,
                order_number: order_number(day, id),
                confirmed_at: now,
            };
            if store::insert_order_if_number_free(transaction, intent, &order).await? {
                return Ok(order);
            }
        }
        Err(RolledBack::NoNumber)
    }

    async fn publish(&self, job: &Job, committed: Committed) {
        self.publisher.publish(&committed.published).await;
        let (job_id, attempt) = (job.lease.id, job.lease.attempts);
        let Some((order, intent)) = committed.order else {
            let correlation_id = intent_id(&job.payload).unwrap_or_default();
            tracing::info!(%job_id, attempt, correlation_id, "the order was there already");
            return;
        };
        metrics::counter!("OrdersConfirmed").increment(1);
        let elapsed = intent
            .verified_at
            .and_then(|verified_at| (self.clock.now() - verified_at).to_std().ok());
        if let Some(elapsed) = elapsed {
            metrics::histogram!("PaymentToOrderMillis").record(millis(elapsed));
        }
        tracing::info!(
            %job_id, attempt, correlation_id = intent.payment_intent_id, order_number = order.order_number, "order made"
        );
    }
}

/// Ends the open intents of the same checkout, whose place this one takes, and gives them back. Refuses when one of that checkout has
/// its order: the buyer has what the cart held, and paid for it twice.
async fn end_related(
    transaction: &mut Connection,
    intent: &Intent,
    now: DateTime<Utc>,
) -> Result<Vec<String>, RolledBack> {
    let Some(checkout) = &intent.checkout else {
        return Ok(Vec::new());
    };
    let (buyer, intent_id) = (intent.user_id, intent.payment_intent_id.as_str());
    let related = replacement::lock_related(transaction, buyer, checkout, intent_id).await?;
    if let Some(order_number) = related.iter().find_map(|other| other.order_number.clone()) {
        return Err(Refusal::BoughtAlready { order_number }.into());
    }
    let open = related.into_iter().filter(|other| other.is_open);
    let open: Vec<String> = open.map(|other| other.payment_intent_id).collect();
    replacement::replace(transaction, &open, intent_id, checkout, now).await?;
    Ok(open)
}

/// Takes the pieces that are reserved for the intent. When they are not all reserved any more, or others of the checkout may hold
/// them (`open`), reserves them once more, all or nothing, in this transaction; what is reserved and what is wanted are then locked
/// together, in everybody's order.
async fn take_stock(
    transaction: &mut Connection,
    intent: &Intent,
    open: Vec<String>,
    snapshot: &Snapshot,
    order_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), RolledBack> {
    let intent_id = intent.payment_intent_id.as_str();
    if !open.is_empty() || store::held_by_variant(transaction, intent_id).await? != snapshot.wanted() {
        let mut from = open;
        from.push(intent_id.to_owned());
        let moved = stock::move_to(transaction, &from, intent_id, &snapshot.lines(), now).await?;
        if let Reserved::Short(short) = moved {
            return Err(Refusal::StockGone(short).into());
        }
    }
    match stock::consume(transaction, intent_id, OrderId(order_id)).await? {
        Consumed::Taken(_) => Ok(()),
        Consumed::NothingReserved | Consumed::Contested => Err(RolledBack::Contested),
    }
}

fn outbox_event(intent: &Intent, order: &NewOrder, lines: usize) -> OutboxEvent {
    let event_id = OrderConfirmed::event_id(OrderId(order.id));
    let envelope = Envelope::published(
        event_id.clone(),
        intent.payment_intent_id.clone(),
        NAME,
        order.confirmed_at,
    );
    let event = OrderConfirmed {
        order_id: OrderId(order.id),
        order_number: order.order_number.clone(),
        payment_intent_id: intent.payment_intent_id.clone(),
        user_id: UserId(intent.user_id),
        total_cents: intent.amount_cents,
        currency: intent.currency.clone(),
        item_count: i64::try_from(lines).unwrap_or(i64::MAX),
        envelope,
    };
    OutboxEvent {
        event_id,
        event_type: EventType::OrderConfirmed,
        correlation: CorrelationId::from_text(&intent.payment_intent_id),
        payload: event.to_json(),
    }
}
