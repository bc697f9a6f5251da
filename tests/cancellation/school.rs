//! `create-purchase`: with the index that arbitrates, and without it.

use crate::driver::{Scene, all_but, cut_everywhere};
use crate::parts::{Parts, deliver};
use create_purchase::CreatePurchase;
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::delivery::Consumer;
use makegood::event::EventType;
use makegood::purchase::{IndexGuard, Purchases, SecondPayment};
use makegood_tests::course::Payment;
use makegood_tests::database::TestDatabase;
use operate::doctor::Guarantee;
use std::collections::BTreeSet;

struct Sales {
    parts: Parts,
    has_index: bool,
    connections: u32,
}

impl Sales {
    async fn open(has_index: bool, connections: u32) -> Self {
        let parts = Parts::with(&[EventType::PurchaseCreated]).await;
        if !has_index {
            parts
                .database
                .run_sql("DROP INDEX CONCURRENTLY unique_active_purchase")
                .await;
        }
        Self {
            parts,
            has_index,
            connections,
        }
    }

    async fn cut_everywhere(&self) {
        cut_everywhere(self, self.connections).await;
    }
}

impl Scene for Sales {
    type Environment = Consumer<CreatePurchase>;
    type Delivery = Payment;

    fn name(&self) -> String {
        let way = if self.has_index { "" } else { " fallback" };
        format!("create-purchase{way} pool of {}", self.connections)
    }

    fn database(&self) -> &TestDatabase {
        &self.parts.database
    }

    // No function allocates trainers here.
    fn promises(&self) -> Vec<Guarantee> {
        all_but(&[Guarantee::G2])
    }

    async fn plant(&self, _: u32) -> Payment {
        let payment = Payment::new();
        payment.record(&self.parts.database).await;
        payment
    }

    async fn open(&self, database: Database) -> Consumer<CreatePurchase> {
        let purchases = Purchases {
            database: database.clone(),
            guard: IndexGuard::default(),
            clock: Clock::System,
            timezone: chrono_tz::Tz::Asia__Kolkata,
            second_payment: SecondPayment::Surplus,
            prorates: false,
        };
        let publisher = self.parts.publisher(database);
        self.parts.consumer(CreatePurchase { purchases, publisher })
    }

    async fn deliver(&self, environment: &Consumer<CreatePurchase>, payment: &Payment) -> Result<(), String> {
        deliver(environment, "purchase-confirmed", &payment.event()).await
    }

    fn key(&self, payment: &Payment) -> String {
        payment.id.to_string()
    }

    async fn done(&self) -> BTreeSet<String> {
        self.parts
            .texts("SELECT payment_id::text FROM student_course_purchases WHERE is_active")
            .await
    }

    async fn settle(&self) {
        self.parts.sweep_outbox().await;
    }
}

#[tokio::test]
async fn a_purchase_cut_anywhere_loses_no_later_one() {
    Sales::open(true, 1).await.cut_everywhere().await;
}

#[tokio::test]
async fn a_purchase_cut_anywhere_loses_no_later_one_with_two_connections() {
    Sales::open(true, 2).await.cut_everywhere().await;
}

#[tokio::test]
async fn a_purchase_cut_anywhere_loses_no_later_one_without_the_index() {
    Sales::open(false, 1).await.cut_everywhere().await;
}
