//! The scene of a fault: messages that wait for a stage, a victim, and what must be true at its death and in the end.

use makegood_local::admin::{self, AdminService};
use makegood_tests::course::{Course, HOPS, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::event_source::{make_visible_again, message_ids, waiting};
use makegood_tests::invariants;
use makegood_tests::link::{Link, Mark};
use makegood_tests::queues::TestQueue;
use makegood_tests::setting;
use serde_json::{Value, json};
use std::sync::Arc;

/// Payments of one batch.
const PAYMENTS: usize = 3;

/// A stage that can be a victim.
#[derive(Debug, Clone, Copy)]
pub struct Victim {
    function: &'static str,
    /// What it makes, as a query that counts.
    made: &'static str,
    reads: &'static str,
    publishes: &'static str,
}

/// Makes a purchase for each payment.
pub const CREATE: Victim = Victim {
    function: "create-purchase",
    made: "SELECT count(*) FROM student_course_purchases WHERE is_active",
    reads: "PURCHASE_CONFIRMED",
    publishes: "PURCHASE_CREATED",
};

/// Makes an allocation for each purchase.
pub const ALLOCATE: Victim = Victim {
    function: "allocate-trainer",
    made: "SELECT count(*) FROM trainer_allocations WHERE status IN ('approved', 'active')",
    reads: "PURCHASE_CREATED",
    publishes: "TRAINER_ALLOCATED",
};

/// Makes seven sessions for each allocation.
pub const SCHEDULE: Victim = Victim {
    function: "schedule-sessions",
    made: "SELECT count(*) / 7 FROM tutoring_sessions WHERE status = 'scheduled'",
    reads: "TRAINER_ALLOCATED",
    publishes: "SESSIONS_GENERATED",
};

/// Which conversation of the victim is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation {
    /// With the pooler.
    Database,
    /// With SQS.
    Queues,
    /// With the admin service.
    Admin,
    /// With Lambda itself.
    Runtime,
}

/// What there is of the victim's work.
#[derive(Debug, PartialEq, Eq)]
pub struct Rows {
    made: i64,
    marks: i64,
    unpublished: i64,
    published: i64,
}

impl Rows {
    /// Nothing at all.
    pub const NONE: Self = Self {
        made: 0,
        marks: 0,
        unpublished: 0,
        published: 0,
    };
    /// All of it, and not known to be published.
    pub const COMMITTED: Self = Self {
        made: 3,
        marks: 3,
        unpublished: 3,
        published: 0,
    };
    /// All of it, published and marked so.
    pub const PUBLISHED: Self = Self {
        made: 3,
        marks: 3,
        unpublished: 0,
        published: 3,
    };
}

/// Three payments whose events wait for the victim.
pub struct Scene {
    pub course: Course,
    admin: Arc<AdminService>,
    victim: Victim,
}

/// The victim is dead, and its messages are still in its queue.
pub struct Aftermath {
    pub scene: Scene,
    event: Value,
}

impl Scene {
    /// Runs the stages before the victim's.
    pub async fn before(victim: Victim) -> Self {
        let admin = Arc::new(AdminService::with_trainer_count(5));
        // It gives another trainer to every new key, so that asking twice under two keys shows.
        admin.forget_pairs();
        let (admin_url, _) = admin::spawn(Arc::clone(&admin))
            .await
            .expect("the admin service listens");
        let mut course = Course::create().await;
        course.admin_url = admin_url;
        for payment in Payment::several(PAYMENTS) {
            payment.record(&course.database).await;
            course.purchase_confirmed.send(payment.event().to_string()).await;
        }
        for function in HOPS.iter().take_while(|function| **function != victim.function) {
            assert_eq!(course.run(function).await, PAYMENTS, "{function}");
        }
        Self {
            course,
            admin,
            victim,
        }
    }

    /// As [`Scene::before`], with a limit on lock waits that the server keeps, as `makegood migrate --limit-role` sets it.
    pub async fn with_lock_limit(victim: Victim) -> Self {
        let scene = Self::before(victim).await;
        let database = &scene.course.database;
        database
            .run_sql(&format!(
                "ALTER DATABASE {} SET lock_timeout = '2s'",
                database.name()
            ))
            .await;
        scene
    }

    /// As [`Scene::before`], without the index that the fast path needs.
    pub async fn without_index(victim: Victim) -> Self {
        let scene = Self::before(victim).await;
        scene
            .course
            .database
            .run_sql("DROP INDEX unique_active_purchase")
            .await;
        scene
    }

    /// Delivers the messages to a victim, and kills it once this conversation has come to the last mark, whose bytes
    /// never arrive. Panics when it did not die of that.
    pub async fn kill_at(self, conversation: Conversation, marks: &[Mark]) -> Aftermath {
        let (environment, link) = self.listened_to(conversation).await;
        let mut stop = link.stop_at(marks);
        let event = self.queue().receive_event(10).await;
        assert_eq!(
            message_ids(&event).len(),
            PAYMENTS,
            "all messages are in one batch"
        );
        let killed = async {
            stop.reached().await;
            assert!(!environment.has_exited(), "the victim lives until it is killed");
            environment.kill().await
        };
        let (outcome, _) = tokio::join!(environment.invoke(event.clone()), killed);
        assert!(
            outcome.was_killed(),
            "{outcome:?}\n{}",
            environment.lines().join("\n")
        );
        Aftermath { scene: self, event }
    }

    async fn listened_to(&self, conversation: Conversation) -> (Environment, Link) {
        let (name, url) = match conversation {
            Conversation::Database => ("DATABASE_URL", self.course.database.pooler_url()),
            Conversation::Queues => ("AWS_ENDPOINT_URL", setting("AWS_ENDPOINT_URL")),
            Conversation::Admin => ("ADMIN_SERVICE_URL", self.course.admin_url.clone()),
            Conversation::Runtime => {
                return Environment::start_linked(self.victim.function, &self.course.variables()).await;
            }
        };
        let link = Link::to_url(&url).await;
        let variables = self.course.variables_with(&[(name, link.through(&url))]);
        (Environment::start(self.victim.function, &variables).await, link)
    }

    fn queue(&self) -> &TestQueue {
        self.course.queue_of(self.victim.function)
    }

    /// What there is of the victim's work now.
    pub async fn rows(&self) -> Rows {
        let Victim {
            made,
            reads,
            publishes,
            ..
        } = self.victim;
        let count = async |query: String| self.course.database.count(&query).await;
        let outbox =
            format!("SELECT count(*) FROM outbox WHERE event_type = '{publishes}' AND published_at IS");
        Rows {
            made: count(made.to_owned()).await,
            marks: count(format!(
                "SELECT count(*) FROM processed_events WHERE event_type = '{reads}'"
            ))
            .await,
            unpublished: count(format!("{outbox} NULL")).await,
            published: count(format!("{outbox} NOT NULL")).await,
        }
    }

    /// How many events of the victim's wait for its successor.
    pub async fn published(&self) -> usize {
        let next = match self.victim.function {
            "create-purchase" => &self.course.purchase_created,
            "allocate-trainer" => &self.course.trainer_allocated,
            _ => &self.course.sessions_generated,
        };
        waiting(next).await
    }

    /// How many allocations the admin service has made.
    pub fn granted(&self) -> usize {
        self.admin.report().allocations.len()
    }
}

impl Aftermath {
    /// The messages come a second time, to an environment that knows nothing of the first; all of them are done then.
    pub async fn redeliver(&self) {
        let Scene { course, victim, .. } = &self.scene;
        let queue = self.scene.queue();
        make_visible_again(queue, &self.event).await;
        let again = queue.receive_event(10).await;
        let records = again["Records"].as_array().unwrap();
        assert_eq!(records.len(), PAYMENTS);
        let environment = course.environment_of(victim.function).await;
        let outcome = environment.invoke(again.clone()).await;
        let logs = environment.lines().join("\n");
        assert_eq!(
            outcome,
            Outcome::Answered(json!({"batchItemFailures": []})),
            "{logs}"
        );
        for record in records {
            assert_eq!(
                record["attributes"]["ApproximateReceiveCount"], "2",
                "a second delivery"
            );
            queue.delete(record["receiptHandle"].as_str().unwrap()).await;
        }
    }

    /// The sweep, twice: while the dead owner's lease lasts it publishes nothing, and then so many events.
    pub async fn swept(&self) -> u64 {
        let course = &self.scene.course;
        assert_eq!(course.sweep_outbox().await, 0, "a live lease is respected");
        course.outbox_leases_run_out().await;
        course.sweep_outbox().await
    }

    /// So many events have reached the successor; it and everything after it runs, and every guarantee holds, with
    /// nothing done twice.
    pub async fn assert_made_good(self, outbox_events: usize) {
        let Scene { course, admin, .. } = &self.scene;
        assert_eq!(self.scene.published().await, outbox_events, "outbox_events");
        for function in HOPS {
            course.run(function).await;
        }
        for (what, query) in [
            ("purchases", CREATE.made),
            ("allocations", ALLOCATE.made),
            ("windows", SCHEDULE.made),
        ] {
            assert_eq!(course.database.count(query).await, 3, "{what}");
        }
        assert_eq!(course.database.count("SELECT count(*) FROM outbox").await, 9);
        assert_eq!(
            course.database.count("SELECT count(*) FROM payment_cases").await,
            0
        );
        assert_eq!(
            admin.report().allocations.len(),
            PAYMENTS,
            "allocations at the admin service"
        );
        invariants::assert_all_hold(&course.database).await;
        assert_eq!(course.dead_letters.drain().await, Vec::<String>::new());
        assert_eq!(course.database.server_errors(), Vec::<String>::new());
        self.scene.course.database.drop().await;
    }
}
