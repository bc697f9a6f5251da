//! What follows a purchase: `allocate-trainer`, `schedule-sessions`, `top-up-sessions`, `invalidate-cache`.

use crate::driver::{Scene, all_but, cut_everywhere};
use crate::parts::{Parts, deadline, deliver};
use allocate_trainer::{AdminService, AllocateTrainer, Breaker};
use invalidate_cache::{Cache, InvalidateCache};
use makegood::clash_rules::ClashRules;
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::delivery::Consumer;
use makegood::event::EventType;
use makegood::school_days::TeachingDays;
use makegood_local::admin;
use makegood_tests::database::TestDatabase;
use makegood_tests::setting;
use operate::doctor::Guarantee;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use schedule_sessions::ScheduleSessions;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use top_up_sessions::{Input, TopUp};
use uuid::Uuid;

/// The course of all these students.
const COURSE: Uuid = Uuid::from_u128(0xc0);
/// The first day, a Monday that is far ahead.
const START: &str = "2031-06-02";

/// `allocate-trainer`: a purchase a delivery. The purchase has the student's id.
struct Allocations {
    parts: Parts,
    service: AdminService,
}

impl Scene for Allocations {
    type Environment = Consumer<AllocateTrainer>;
    type Delivery = Uuid;

    fn name(&self) -> String {
        "allocate-trainer".to_owned()
    }

    fn database(&self) -> &TestDatabase {
        &self.parts.database
    }

    // No function makes the sessions here.
    fn promises(&self) -> Vec<Guarantee> {
        all_but(&[Guarantee::G3])
    }

    async fn plant(&self, _: u32) -> Uuid {
        let id = Uuid::new_v4();
        self.database()
            .run_sql(&format!(
                "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
                 VALUES ('{id}', '{id}', 499900, 'succeeded', '{{\"courseId\": \"{COURSE}\", \"purchaseTier\": 20}}', now());
                 INSERT INTO student_course_purchases (id, student_id, course_id, payment_id, purchase_tier, metadata)
                 VALUES ('{id}', '{id}', '{COURSE}', '{id}', 20, '{{\"timeSlot\": \"5:30 PM\"}}')"
            ))
            .await;
        id
    }

    async fn open(&self, database: Database) -> Consumer<AllocateTrainer> {
        self.parts.consumer(AllocateTrainer {
            publisher: self.parts.publisher(database),
            service: self.service.clone(),
            breaker: Breaker::default(),
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
        })
    }

    async fn deliver(&self, environment: &Consumer<AllocateTrainer>, id: &Uuid) -> Result<(), String> {
        let event = json!({
            "type": "PURCHASE_CREATED", "purchaseId": id, "studentId": id, "courseId": COURSE, "purchaseTier": 20,
            "metadata": {"schedule": {"startDate": START}},
            "_metadata": {"eventId": format!("purchase-created-{id}"), "correlationId": id, "source": "create-purchase",
                          "version": "1.0.0"}});
        deliver(environment, "purchase-created", &event).await
    }

    fn key(&self, id: &Uuid) -> String {
        id.to_string()
    }

    async fn done(&self) -> BTreeSet<String> {
        self.parts
            .texts("SELECT student_id::text FROM trainer_allocations WHERE status = 'approved'")
            .await
    }

    async fn settle(&self) {
        self.parts.sweep_outbox().await;
    }
}

#[tokio::test]
async fn an_allocation_cut_anywhere_loses_no_later_one() {
    let service = Arc::new(admin::AdminService::with_trainer_count(3));
    let (url, _) = admin::spawn(service).await.expect("the admin service listens");
    let scene = Allocations {
        parts: Parts::with(&[EventType::TrainerAllocated]).await,
        service: AdminService::at(&url, std::time::Duration::from_secs(5)).expect("a URL"),
    };
    cut_everywhere(&scene, 1).await;
}

/// An allocation of thirty sessions with nothing scheduled. The allocation has the student's id.
async fn plant_allocation(database: &TestDatabase) -> Uuid {
    let id = Uuid::new_v4();
    database
        .run_sql(&format!(
            "INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
             VALUES ('{id}', '{id}', '{id}', '{COURSE}', '{id}', 'approved', '{{\"sessionCount\": 30}}')"
        ))
        .await;
    id
}

const FULL_WINDOWS: &str = "SELECT allocation_id::text FROM tutoring_sessions WHERE status = 'scheduled' GROUP BY 1 HAVING count(*) = 7";

/// `schedule-sessions`: an allocation a delivery.
struct Calendars(Parts);

impl Scene for Calendars {
    type Environment = Consumer<ScheduleSessions>;
    type Delivery = Uuid;

    fn name(&self) -> String {
        "schedule-sessions".to_owned()
    }

    fn database(&self) -> &TestDatabase {
        &self.0.database
    }

    async fn plant(&self, _: u32) -> Uuid {
        plant_allocation(self.database()).await
    }

    async fn open(&self, database: Database) -> Consumer<ScheduleSessions> {
        self.0.consumer(ScheduleSessions {
            publisher: self.0.publisher(database),
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
            clash_rules: ClashRules::default(),
        })
    }

    async fn deliver(&self, environment: &Consumer<ScheduleSessions>, id: &Uuid) -> Result<(), String> {
        let event = json!({
            "type": "TRAINER_ALLOCATED", "allocationId": id, "trainerId": id, "studentId": id, "courseId": COURSE,
            "sessionCount": 30, "startDate": START, "endDate": "2031-12-31",
            "_metadata": {"eventId": format!("trainer-allocated-{id}"), "correlationId": id, "source": "allocate-trainer",
                          "version": "1.0.0"}});
        deliver(environment, "trainer-allocated", &event).await
    }

    fn key(&self, id: &Uuid) -> String {
        id.to_string()
    }

    async fn done(&self) -> BTreeSet<String> {
        self.0.texts(FULL_WINDOWS).await
    }

    async fn settle(&self) {
        self.0.sweep_outbox().await;
    }
}

#[tokio::test]
async fn a_calendar_cut_anywhere_loses_no_later_one() {
    cut_everywhere(&Calendars(Parts::with(&[EventType::SessionsGenerated]).await), 1).await;
}

/// `top-up-sessions`: a window to fill a run.
struct TopUps(Parts);

impl Scene for TopUps {
    type Environment = TopUp;
    type Delivery = Uuid;

    fn name(&self) -> String {
        "top-up-sessions".to_owned()
    }

    fn database(&self) -> &TestDatabase {
        &self.0.database
    }

    async fn plant(&self, _: u32) -> Uuid {
        plant_allocation(self.database()).await
    }

    async fn open(&self, database: Database) -> TopUp {
        TopUp {
            publisher: self.0.publisher(database),
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
            clash_rules: ClashRules::default(),
        }
    }

    async fn deliver(&self, environment: &TopUp, _: &Uuid) -> Result<(), String> {
        let report = environment.run(Input::default(), deadline()).await;
        let report = report.map_err(|error| error.to_string())?;
        if report.finished && report.failed == 0 {
            Ok(())
        } else {
            Err(format!("{report:?}"))
        }
    }

    fn key(&self, id: &Uuid) -> String {
        id.to_string()
    }

    async fn done(&self) -> BTreeSet<String> {
        self.0.texts(FULL_WINDOWS).await
    }

    async fn settle(&self) {
        self.0.sweep_outbox().await;
    }
}

#[tokio::test]
async fn a_top_up_cut_anywhere_loses_no_later_one() {
    cut_everywhere(&TopUps(Parts::with(&[EventType::SessionsGenerated]).await), 1).await;
}

/// `invalidate-cache`: a student with cached pages a delivery.
struct Pages {
    parts: Parts,
    redis: MultiplexedConnection,
    students: Mutex<Vec<Uuid>>,
}

fn page(student: Uuid) -> String {
    format!("student:home:{student}")
}

impl Scene for Pages {
    type Environment = Consumer<InvalidateCache>;
    type Delivery = Uuid;

    fn name(&self) -> String {
        "invalidate-cache".to_owned()
    }

    // A connection and one statement.
    fn least_cut_points(&self) -> usize {
        3
    }

    fn database(&self) -> &TestDatabase {
        &self.parts.database
    }

    async fn plant(&self, _: u32) -> Uuid {
        let student = Uuid::new_v4();
        let mut redis = self.redis.clone();
        let written = redis.set_ex::<_, _, ()>(page(student), "cached", 600).await;
        written.expect("Redis keeps the page");
        self.students.lock().expect("not poisoned").push(student);
        student
    }

    async fn open(&self, _: Database) -> Consumer<InvalidateCache> {
        let cache = Cache::at(&setting("MAKEGOOD_TEST_REDIS_URL")).expect("a URL");
        self.parts.consumer(InvalidateCache { cache })
    }

    async fn deliver(&self, environment: &Consumer<InvalidateCache>, id: &Uuid) -> Result<(), String> {
        let event = json!({"type": "PURCHASE_CREATED", "purchaseId": id, "studentId": id, "courseId": COURSE,
                           "purchaseTier": 30, "metadata": {}});
        deliver(environment, "cache-invalidation", &event).await
    }

    fn key(&self, id: &Uuid) -> String {
        id.to_string()
    }

    async fn done(&self) -> BTreeSet<String> {
        let students = self.students.lock().expect("not poisoned").clone();
        let mut redis = self.redis.clone();
        let mut done = BTreeSet::new();
        for student in students {
            if !redis
                .exists::<_, bool>(page(student))
                .await
                .expect("Redis answers")
            {
                done.insert(student.to_string());
            }
        }
        done
    }
}

#[tokio::test]
async fn an_invalidation_cut_anywhere_loses_no_later_one() {
    let client = redis::Client::open(setting("MAKEGOOD_TEST_REDIS_URL")).expect("a URL");
    let scene = Pages {
        parts: Parts::with(&[]).await,
        redis: client
            .get_multiplexed_async_connection()
            .await
            .expect("Redis answers"),
        students: Mutex::default(),
    };
    cut_everywhere(&scene, 1).await;
}
