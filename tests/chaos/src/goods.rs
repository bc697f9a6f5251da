//! What came out: rows of a database, events on the queues, trainers that the admin service gave.

use crate::plan::Article;
use crate::world::World;
use anyhow::Result;
use serde_json::Value;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What one student got for one course.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bought {
    /// Active purchases.
    pub purchases: i64,
    /// Purchases that were published, by id.
    pub published: usize,
    /// Approved or active allocations.
    pub allocations: i64,
    /// Trainers that the admin service gave.
    pub granted: usize,
    /// Scheduled sessions.
    pub sessions: i64,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub number: String,
    /// Pieces in it.
    pub pieces: i64,
}

/// Everything that came out.
#[derive(Debug, Default)]
pub struct Goods {
    bought: BTreeMap<(Uuid, Uuid), Bought>,
    purchase_ids: BTreeMap<(Uuid, Uuid), Vec<String>>,
    orders: BTreeMap<String, Vec<Order>>,
    published_orders: BTreeMap<String, BTreeSet<String>>,
    /// Open cases: the payment or the intent, and the kind.
    cases: BTreeMap<String, String>,
    /// Parked dead letters: correlation id, body, why.
    dead_letters: Vec<(String, String, String)>,
    /// By variant: available, reserved, reserved by active reservations, sold.
    stock: BTreeMap<Uuid, [i64; 4]>,
    /// Jobs in the state `processing`.
    pub processing: i64,
}

impl Goods {
    /// Reads them from this database of the run, the queues' record and the admin service.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn read(world: &World, database: &str) -> Result<Self> {
        let mut connection = world.servers.connect_to(database).await?;
        let mut goods = Self::default();
        goods.read_courses(&mut connection).await?;
        goods.read_shop(&mut connection).await?;
        goods.read_excuses(&mut connection).await?;
        goods.read_events(&world.events());
        for allocation in world.admin.report().allocations {
            let got = goods
                .bought
                .entry((allocation.student_id, allocation.course_id))
                .or_default();
            got.granted += usize::from(allocation.trainer_id.is_some());
        }
        Ok(goods)
    }

    /// What this student got for this course.
    #[must_use]
    pub fn of_student(&self, student: Uuid, course: Uuid) -> Bought {
        self.bought.get(&(student, course)).copied().unwrap_or_default()
    }

    /// The ids of this student's active purchases of this course.
    #[must_use]
    pub fn purchases_of(&self, student: Uuid, course: Uuid) -> Vec<String> {
        self.purchase_ids
            .get(&(student, course))
            .cloned()
            .unwrap_or_default()
    }

    /// The orders of this intent.
    #[must_use]
    pub fn orders_of(&self, intent: &str) -> &[Order] {
        self.orders.get(intent).map_or(&[], Vec::as_slice)
    }

    /// How many orders of this intent were published.
    #[must_use]
    pub fn published_orders(&self, intent: &str) -> usize {
        self.published_orders.get(intent).map_or(0, BTreeSet::len)
    }

    /// Why a payment is in a person's hands.
    #[must_use]
    pub fn excuse_of_payment(&self, payment: &str, student: Uuid) -> Option<String> {
        let case = self.cases.get(payment).map(|kind| format!("case {kind}"));
        let student = student.to_string();
        let mut parked = self.dead_letters.iter().filter(|(correlation, body, _)| {
            (!payment.is_empty() && correlation == payment) || body.contains(&student)
        });
        case.or_else(|| parked.next().map(|(_, _, why)| format!("dead letter ({why})")))
    }

    /// Whether a parked dead letter contains this text.
    #[must_use]
    pub fn has_dead_letter(&self, text: &str) -> bool {
        self.dead_letters.iter().any(|(_, body, _)| body.contains(text))
    }

    /// Why a paid checkout is in a person's hands.
    #[must_use]
    pub fn excuse_of_intent(&self, intent: &str) -> Option<String> {
        self.cases.get(intent).map(|kind| format!("case {kind}"))
    }

    /// Articles whose pieces do not add up, in words.
    #[must_use]
    pub fn stock_that_differs(&self, articles: &[Article]) -> Vec<String> {
        let mut differing = Vec::new();
        for article in articles {
            let [available, reserved, active, sold] =
                self.stock.get(&article.variant).copied().unwrap_or_default();
            let stocked = i64::from(article.stock);
            if available < 0 || available + sold != stocked || reserved != active {
                differing.push(format!(
                    "{}: {available} available and {sold} sold of {stocked}; {reserved} reserved, {active} by active reservations",
                    article.sku
                ));
            }
        }
        differing
    }

    async fn read_courses(&mut self, connection: &mut PgConnection) -> Result<()> {
        let purchases = "
            SELECT student_id, course_id, count(*), array_agg(id::text)
            FROM student_course_purchases WHERE is_active GROUP BY 1, 2";
        for row in sqlx::query(purchases).fetch_all(&mut *connection).await? {
            let whose = (row.try_get(0)?, row.try_get(1)?);
            self.bought.entry(whose).or_default().purchases = row.try_get(2)?;
            self.purchase_ids.insert(whose, row.try_get(3)?);
        }
        let allocations = "
            SELECT a.student_id, a.course_id, count(DISTINCT a.id), count(s.id)
            FROM trainer_allocations a
            LEFT JOIN tutoring_sessions s ON s.allocation_id = a.id AND s.status = 'scheduled'
            WHERE a.status IN ('approved', 'active') AND a.course_id IS NOT NULL GROUP BY 1, 2";
        for row in sqlx::query(allocations).fetch_all(&mut *connection).await? {
            let got = self.bought.entry((row.try_get(0)?, row.try_get(1)?)).or_default();
            got.allocations = row.try_get(2)?;
            got.sessions = row.try_get(3)?;
        }
        Ok(())
    }

    async fn read_shop(&mut self, connection: &mut PgConnection) -> Result<()> {
        let orders = "
            SELECT o.payment_intent_id, o.order_number, coalesce(sum(i.quantity), 0)::bigint
            FROM orders o LEFT JOIN order_items i ON i.order_id = o.id GROUP BY o.id";
        for row in sqlx::query(orders).fetch_all(&mut *connection).await? {
            let order = Order {
                number: row.try_get(1)?,
                pieces: row.try_get(2)?,
            };
            self.orders.entry(row.try_get(0)?).or_default().push(order);
        }
        let stock = "
            SELECT i.variant_id, i.quantity_available::bigint, i.quantity_reserved::bigint,
                   coalesce((SELECT sum(r.quantity) FROM inventory_reservations r
                             WHERE r.variant_id = i.variant_id AND r.status = 'active'), 0)::bigint,
                   coalesce((SELECT sum(l.quantity) FROM order_items l WHERE l.variant_id = i.variant_id), 0)::bigint
            FROM inventory i";
        for row in sqlx::query(stock).fetch_all(&mut *connection).await? {
            let pieces = [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?];
            self.stock.insert(row.try_get(0)?, pieces);
        }
        let processing = "SELECT count(*) FROM job_queue WHERE status = 'processing'";
        self.processing = sqlx::query_scalar(processing).fetch_one(&mut *connection).await?;
        Ok(())
    }

    async fn read_excuses(&mut self, connection: &mut PgConnection) -> Result<()> {
        let cases = "
            SELECT about.id, kind FROM payment_cases, LATERAL (VALUES (payment_id::text), (payment_intent_id)) AS about (id)
            WHERE status = 'open' AND about.id IS NOT NULL";
        for row in sqlx::query(cases).fetch_all(&mut *connection).await? {
            self.cases.insert(row.try_get(0)?, row.try_get(1)?);
        }
        let dead_letters = "
            SELECT coalesce(correlation_id::text, ''), coalesce(raw, '') || coalesce(document::text, ''),
                   concat_ws(' ', error_code, failure_reason)
            FROM dead_letters WHERE status = 'parked'";
        for row in sqlx::query(dead_letters).fetch_all(&mut *connection).await? {
            self.dead_letters
                .push((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        }
        Ok(())
    }

    fn read_events(&mut self, events: &[Value]) {
        for event in events {
            let id = |name: &str| event[name].as_str().and_then(|text| Uuid::parse_str(text).ok());
            match event["type"].as_str() {
                // Each purchase has one event of this kind, whose id holds the purchase's.
                Some("PURCHASE_CREATED") => {
                    if let (Some(student), Some(course)) = (id("studentId"), id("courseId")) {
                        self.bought.entry((student, course)).or_default().published += 1;
                    }
                }
                Some("ORDER_CONFIRMED") => {
                    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                    self.published_orders
                        .entry(text("paymentIntentId"))
                        .or_default()
                        .insert(text("orderId"));
                }
                _ => {}
            }
        }
    }
}
