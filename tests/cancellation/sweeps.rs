//! The sweeps: outbox, stale-jobs, reservations, reconcile, compare, statement, health. A delivery is a piece of work for the next run.

use crate::driver::{Scene, all_but, cut_everywhere};
use crate::parts::{Parts, deadline, gateways, razorpay};
use crate::planted::{Intent, checkout, make_orders, open_shop, verified};
use chrono::{DateTime, TimeDelta, Utc};
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::gateway::{Gateways, Razorpay};
use makegood::job::Waker;
use makegood::refund::PartialRefund;
use makegood::school_days::TeachingDays;
use makegood_local::gateway::{self, GatewayStub, Listed, Side};
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::TestQueue;
use makegood_tests::shop::PRICE_MINOR;
use operate::doctor::Guarantee;
use serde_json::json;
use std::collections::BTreeSet;
use sweep::{Pipelines, Sweep, SweepName};
use uuid::Uuid;

/// One sweep over a shop and a school.
struct Swept {
    name: SweepName,
    parts: Parts,
    gateway: GatewayStub,
    gateways: Gateways,
    razorpay: Razorpay,
    jobs: TestQueue,
}

impl Swept {
    async fn by(name: SweepName) -> Self {
        let gateway = gateway::spawn().await.expect("the gateways listen");
        let parts = open_shop().await;
        parts
            .database
            .run_sql("CREATE TABLE work (n integer PRIMARY KEY, id uuid NOT NULL DEFAULT gen_random_uuid())")
            .await;
        Self {
            name,
            parts,
            gateways: gateways(&gateway).await,
            razorpay: razorpay(&gateway).await,
            gateway,
            jobs: TestQueue::create("jobs").await,
        }
    }

    /// A payment without purchase, a verified intent without job, and one whose buyer did not come back.
    fn to_reconcile(&self, number: u32) -> String {
        const PAYMENT: &str = "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at, created_at)
            SELECT id, id, 499900, 'succeeded', jsonb_build_object('courseId', id, 'purchaseTier', 20, 'timeSlot', '5:30 PM'),
                   now() - interval '1 day', now() - interval '1 day' FROM new_work;";
        let stranded = checkout(2 * number, "20 minutes", "20 minutes", &verified("10 minutes"));
        let left = checkout(2 * number + 1, "20 minutes", "20 minutes", "");
        let external = Intent::of(2 * number + 1).external;
        self.gateway.put(Side::Esewa, &external, PRICE_MINOR);
        self.gateway.pay(&external).expect("the gateway knows it");
        format!("{PAYMENT} {stranded} {left}")
    }

    /// A payment that Razorpay took, and no webhook told of.
    fn to_read(&self, number: u32) -> String {
        let course = Uuid::from_u128(7);
        let taken = Utc::now() - TimeDelta::hours(1);
        let notes = json!({"studentId": Uuid::new_v4(), "courseId": course, "purchaseTier": 20});
        let payment = json!({"id": format!("pay_{number}"), "amount": PRICE_MINOR, "currency": "INR", "status": "captured",
                             "notes": notes, "created_at": taken.timestamp()});
        self.gateway.put_listed(Listed::Payment, payment);
        format!(
            "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
             VALUES ('{course}', 20, 'INR', {PRICE_MINOR}, '2020-01-01') ON CONFLICT DO NOTHING"
        )
    }

    fn is_long(&self) -> bool {
        matches!(self.name, SweepName::Reconcile | SweepName::Statement)
    }

    /// SQL of one piece of work, which `new_work` names.
    fn work(&self, number: u32) -> String {
        const UNPUBLISHED: &str = "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id)
            SELECT 'payment:' || id || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', 'purchase-confirmed', '{}', id FROM new_work";
        const HELD: &str = "INSERT INTO job_queue (id, job_type, payload, status, attempts, locked_by, locked_until)
            SELECT id, 'process_refund', '{}', 'processing', 1, 'a dead worker', now() - interval '1 second' FROM new_work";
        // Older than all that `reconcile` walks. A comparison is due each week; here each run is one.
        const OLD_PAYMENT: &str = "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at, created_at)
            SELECT id, id, 499900, 'succeeded', jsonb_build_object('courseId', id, 'purchaseTier', 20, 'timeSlot', '5:30 PM'),
                   now() - interval '30 days', now() - interval '30 days' FROM new_work";
        const COMPARED_ANEW: &str = "DELETE FROM sweep_runs WHERE sweep = 'compare';";
        match self.name {
            SweepName::Outbox => UNPUBLISHED.to_owned(),
            SweepName::StaleJobs => format!("{TAKEN} {HELD}"),
            SweepName::Reservations => checkout(number, "40 minutes", "-5 minutes", ""),
            SweepName::Reconcile => self.to_reconcile(number),
            SweepName::Compare => format!("{COMPARED_ANEW} {OLD_PAYMENT}"),
            SweepName::Statement => self.to_read(number),
            SweepName::Health => String::new(),
        }
    }
}

/// The minute of the `health` sweep's n-th run: it keeps what waits once a minute.
fn minute(number: u32) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2031-06-02T00:00:00Z".parse().expect("an instant");
    first + TimeDelta::minutes(i64::from(number))
}

/// Runnable jobs are taken at once by workers that this test does not have: else every run would wake them all again.
const TAKEN: &str =
    "UPDATE job_queue SET status = 'completed', completed_at = now() WHERE status = 'pending';";

impl Scene for Swept {
    type Environment = Database;
    type Delivery = u32;

    fn name(&self) -> String {
        format!("sweep {}", self.name.wire_name())
    }

    // These take some hundred polls, and wait for several services in each run.
    fn every_poll_up_to(&self) -> usize {
        if self.is_long() { 10 } else { 60 }
    }

    fn then_one_of(&self) -> usize {
        if self.is_long() { 11 } else { 3 }
    }

    fn database(&self) -> &TestDatabase {
        &self.parts.database
    }

    // No function makes purchases here of what `reconcile` publishes again.
    fn promises(&self) -> Vec<Guarantee> {
        all_but(&[Guarantee::G1])
    }

    async fn plant(&self, number: u32) -> u32 {
        let work = self.work(number);
        self.database()
            .run_sql(&format!(
                "INSERT INTO work (n) VALUES ({number});
                 CREATE TEMP VIEW new_work AS SELECT * FROM work WHERE n = {number};
                 {work}"
            ))
            .await;
        number
    }

    async fn open(&self, database: Database) -> Database {
        database
    }

    async fn deliver(&self, database: &Database, number: &u32) -> Result<(), String> {
        let clock = match self.name {
            SweepName::Health => Clock::Fixed(minute(*number)),
            _ => Clock::System,
        };
        let sweep = Sweep {
            publisher: self.parts.publisher(database.clone()),
            pipelines: Pipelines::Both,
            gateways: Some(self.gateways.clone()),
            refund_question_days: 45,
            retention: sweep::Retention::default(),
            razorpay: Some(self.razorpay.clone()),
            stripe: None,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            waker: Some(Waker {
                client: self.jobs.client.clone(),
                queue_url: self.jobs.url.clone(),
            }),
            clock,
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
        };
        let event = json!({"sweep": self.name.wire_name()});
        let done = sweep.handle(&event, deadline()).await;
        done.map(|_| ()).map_err(|error| error.to_string())
    }

    fn key(&self, number: &u32) -> String {
        number.to_string()
    }

    async fn done(&self) -> BTreeSet<String> {
        let query = match self.name {
            SweepName::Outbox => {
                "SELECT n::text FROM work JOIN outbox o ON o.correlation_id = work.id WHERE o.published_at IS NOT NULL"
            }
            SweepName::StaleJobs => {
                "SELECT n::text FROM work JOIN job_queue j USING (id) WHERE j.status IN ('pending', 'completed')"
            }
            SweepName::Reservations => {
                "SELECT substr(external_transaction_id, 5) FROM payment_intents i
                 JOIN inventory_reservations r USING (payment_intent_id) WHERE i.status = 'expired' AND r.status = 'expired'"
            }
            SweepName::Reconcile => {
                "SELECT n::text FROM work
                 WHERE EXISTS (SELECT FROM outbox o WHERE o.event_id = 'payment:' || work.id || ':PURCHASE_CONFIRMED')
                   AND 2 = (SELECT count(*) FROM job_queue j JOIN payment_gateway_verifications v
                              ON v.payment_intent_id = j.payload ->> 'payment_intent_id'
                            WHERE v.external_transaction_id IN ('txn-' || 2 * n, 'txn-' || 2 * n + 1))"
            }
            SweepName::Compare => {
                "SELECT n::text FROM work JOIN unfulfilled u ON u.kind = 'payment' AND u.id = work.id::text"
            }
            SweepName::Statement => {
                "SELECT n::text FROM work JOIN payments y ON y.provider_payment_id = 'pay_' || n
                 JOIN outbox o ON o.event_id = 'payment:' || y.id || ':PURCHASE_CONFIRMED'
                 JOIN statement_entries e ON e.entry_id = y.provider_payment_id AND e.outcome = 'matched'"
            }
            SweepName::Health => {
                "SELECT (extract(epoch FROM r.started_at - timestamptz '2031-06-02T00:00:00Z') / 60)::integer::text
                 FROM sweep_runs r WHERE EXISTS (SELECT FROM health_samples s WHERE s.at = r.started_at)"
            }
        };
        self.parts.texts(query).await
    }

    async fn leases_run_out(&self) {
        self.parts.outbox_leases_run_out().await;
        // A question to a gateway is one asker's for a while.
        let shop = makegood_tests::shop::Shop {
            database: self.parts.database.clone(),
        };
        shop.time_passes("6 minutes").await;
    }

    async fn settle(&self) {
        match self.name {
            SweepName::StaleJobs => self.database().run_sql(TAKEN).await,
            SweepName::Reconcile => make_orders(&self.parts).await,
            SweepName::Statement => self.parts.sweep_outbox().await,
            SweepName::Outbox | SweepName::Reservations | SweepName::Health | SweepName::Compare => {}
        }
    }
}

#[tokio::test]
async fn the_outbox_sweep_cut_anywhere_loses_no_later_work() {
    cut_everywhere(&Swept::by(SweepName::Outbox).await, 1).await;
}

#[tokio::test]
async fn the_stale_jobs_sweep_cut_anywhere_loses_no_later_work() {
    cut_everywhere(&Swept::by(SweepName::StaleJobs).await, 1).await;
}

#[tokio::test]
async fn the_reservations_sweep_cut_anywhere_loses_no_later_work() {
    cut_everywhere(&Swept::by(SweepName::Reservations).await, 1).await;
}

#[tokio::test]
async fn the_reconcile_sweep_cut_anywhere_loses_no_later_work() {
    cut_everywhere(&Swept::by(SweepName::Reconcile).await, 1).await;
}

#[tokio::test]
async fn the_compare_sweep_cut_anywhere_loses_no_later_work() {
    cut_everywhere(&Swept::by(SweepName::Compare).await, 1).await;
}

#[tokio::test]
async fn the_statement_sweep_cut_anywhere_loses_no_later_work() {
    cut_everywhere(&Swept::by(SweepName::Statement).await, 1).await;
}

#[tokio::test]
async fn the_health_sweep_cut_anywhere_loses_no_later_work() {
    cut_everywhere(&Swept::by(SweepName::Health).await, 1).await;
}
