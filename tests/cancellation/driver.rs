//! Drops a stage after its first poll, after its second, and so on until it runs to its end.

use makegood::db::Database;
use makegood_tests::database::TestDatabase;
use makegood_tests::invariants::assert_doctor_finds_no_breach_of;
use makegood_tests::link::Link;
use operate::doctor::Guarantee;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::fs;
use std::future::poll_fn;
use std::path::Path;
use std::task::Poll;
use std::time::Duration;

/// A stage is through when it came to its end so often in a row: an answer that is there at once costs no poll, so that two runs
/// seldom take the same number.
const ENDS_IN_A_ROW: usize = 2;
/// How many deliveries follow a cut in the same environment.
const GOOD_DELIVERIES: u32 = 3;
/// After so many faults the rest would say the same.
const MOST_FAULTS: usize = 12;
/// A delivery that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stage, and all that it needs in one test.
pub trait Scene {
    /// What lives in an execution environment from one invocation to the next.
    type Environment;
    /// One delivery, told apart from all others.
    type Delivery;

    /// The stage's name, for the report.
    fn name(&self) -> String;

    /// Each of the first so many polls is a cut point; after them it is one of [`Scene::then_one_of`].
    fn every_poll_up_to(&self) -> usize {
        60
    }

    /// How far apart the later cut points are.
    fn then_one_of(&self) -> usize {
        3
    }

    /// With fewer cut points the stage was not cut where it matters.
    fn least_cut_points(&self) -> usize {
        6
    }

    /// Where its rows are.
    fn database(&self) -> &TestDatabase;

    /// What the doctor is asked about at the end. A scene without the next stage leaves out what that stage promises.
    fn promises(&self) -> Vec<Guarantee> {
        all_but(&[])
    }

    /// Writes what the delivery of this number finds in the database.
    async fn plant(&self, number: u32) -> Self::Delivery;

    /// A fresh execution environment on this database.
    async fn open(&self, database: Database) -> Self::Environment;

    /// Delivers; an error when it is not acknowledged.
    async fn deliver(&self, environment: &Self::Environment, delivery: &Self::Delivery)
    -> Result<(), String>;

    /// What names the delivery's effect.
    fn key(&self, delivery: &Self::Delivery) -> String;

    /// The names of all effects that are there.
    async fn done(&self) -> BTreeSet<String>;

    /// Every lease is over, before what was cut comes again.
    async fn leases_run_out(&self) {}

    /// What later stages and sweeps do, at the very end.
    async fn settle(&self) {}
}

/// G1 to G9 without these. G10 is left out: one scene drops an index on purpose.
pub fn all_but(without: &[Guarantee]) -> Vec<Guarantee> {
    Guarantee::ALL
        .into_iter()
        .filter(|guarantee| *guarantee != Guarantee::G10 && !without.contains(guarantee))
        .collect()
}

/// Polls this future so many times, and drops it at once if it is not done by then.
pub async fn poll_times<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut polled = 0;
    poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled >= times => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Cuts the stage after every poll, in environments with so many connections, and panics with all that was lost.
pub async fn cut_everywhere<S: Scene>(scene: &S, connections: u32) {
    let mut cutting = Cutting::begin(scene).await;
    let every = scene.every_poll_up_to();
    let step = scene.then_one_of();
    let polls = (1..=every).chain((every + step..).step_by(step));
    let mut ends_in_a_row = 0;
    for polls in polls {
        let ran_to_its_end = cutting.cut(polls, connections).await;
        ends_in_a_row = if ran_to_its_end { ends_in_a_row + 1 } else { 0 };
        if ends_in_a_row == ENDS_IN_A_ROW || cutting.faults.len() >= MOST_FAULTS {
            break;
        }
    }
    cutting.finish().await;
}

/// What the test knows, whatever the database says.
struct Cutting<'s, S: Scene> {
    scene: &'s S,
    /// In front of the pooler. It runs on the test's own thread, so that no answer can be there before the stage was polled
    /// once more: every wait for the database is a cut point, however busy the machine is.
    link: Link,
    /// A session of the test's own, which sees only what is committed.
    witness: PgConnection,
    planted: u32,
    acknowledged: BTreeSet<String>,
    cut: Vec<S::Delivery>,
    faults: Vec<String>,
}

impl<'s, S: Scene> Cutting<'s, S> {
    async fn begin(scene: &'s S) -> Self {
        let mut witness = PgConnection::connect(&scene.database().direct_url())
            .await
            .expect("the test's database answers");
        sqlx::query("CREATE TABLE receipts (polls bigint NOT NULL)")
            .execute(&mut witness)
            .await
            .expect("the table is made");
        Self {
            scene,
            link: Link::to_url(&scene.database().pooler_url()).await,
            witness,
            planted: 0,
            acknowledged: BTreeSet::new(),
            cut: Vec::new(),
            faults: Vec::new(),
        }
    }

    async fn plant(&mut self) -> S::Delivery {
        let number = self.planted;
        self.planted += 1;
        self.scene.plant(number).await
    }

    /// One environment: a delivery is dropped after so many polls, and others follow. Whether the first ran to its end.
    async fn cut(&mut self, polls: usize, connections: u32) -> bool {
        let first = self.plant().await;
        let database = self.scene.database().through_link(&self.link, connections);
        let environment = self.scene.open(database.clone()).await;
        let ended = poll_times(self.scene.deliver(&environment, &first), polls).await;
        self.borrow_after(&database, polls).await;
        let ran_to_its_end = ended.is_some();
        match ended {
            Some(result) => self.note(polls, &first, result),
            None => self.cut.push(first),
        }
        for _ in 0..GOOD_DELIVERIES {
            let good = self.plant().await;
            let delivered = tokio::time::timeout(PATIENCE, self.scene.deliver(&environment, &good)).await;
            let result = delivered.unwrap_or_else(|_| Err("it hangs".to_owned()));
            self.note(polls, &good, result);
        }
        self.all_come_back(&database, polls).await;
        drop(environment);
        database.close();
        ran_to_its_end
    }

    fn note(&mut self, polls: usize, delivery: &S::Delivery, result: Result<(), String>) {
        let key = self.scene.key(delivery);
        match result {
            Ok(()) => {
                self.acknowledged.insert(key);
            }
            Err(reason) => self
                .faults
                .push(format!("poll {polls}: {key} was not acknowledged: {reason}")),
        }
    }

    async fn compare(&mut self, what: &str) {
        let done = self.scene.done().await;
        let lost: Vec<&String> = self.acknowledged.difference(&done).collect();
        if !lost.is_empty() {
            self.faults.push(format!("{} {what}: {lost:?}", lost.len()));
        }
    }

    /// Whoever borrows the connection next writes a row, and is told that it is written. Everybody must see it at once: a later
    /// COMMIT on the same connection could still save it, or not.
    async fn borrow_after(&mut self, database: &Database, polls: usize) {
        let polls = i64::try_from(polls).expect("a small number");
        let written = async {
            let mut connection = database.acquire().await?;
            sqlx::query("INSERT INTO receipts (polls) VALUES ($1)")
                .bind(polls)
                .execute(&mut connection)
                .await
        };
        if let Err(error) = written.await {
            self.faults
                .push(format!("poll {polls}: the next borrower failed: {error}"));
            return;
        }
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM receipts WHERE polls = $1")
            .bind(polls)
            .fetch_one(&mut self.witness)
            .await
            .expect("the receipts are read");
        if seen != 1 {
            self.faults.push(format!(
                "poll {polls}: what the next borrower wrote, and was told is written, is not committed"
            ));
        }
    }

    /// Every connection came back, or was closed. What a stage let run beside itself may need a moment.
    async fn all_come_back(&mut self, database: &Database, polls: usize) {
        let back = async {
            while database.in_use() > 0 {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(PATIENCE, back).await.is_err() {
            self.faults
                .push(format!("poll {polls}: a connection never came back to its pool"));
        }
    }

    /// What was acknowledged must be there before anything is healed. Then what was cut comes again, and everything must be
    /// there, and the doctor content.
    async fn finish(mut self) {
        let points = self.cut.len();
        self.compare("acknowledged and not there").await;
        self.scene.leases_run_out().await;
        let database = self.scene.database().through_pooler(2);
        let environment = self.scene.open(database.clone()).await;
        for delivery in std::mem::take(&mut self.cut) {
            let result = self.scene.deliver(&environment, &delivery).await;
            self.note(0, &delivery, result);
        }
        drop(environment);
        database.close();
        self.scene.settle().await;
        self.compare("not there when all is settled").await;
        report(&self.scene.name(), points);
        assert!(
            self.faults.is_empty(),
            "{}:\n{}",
            self.scene.name(),
            self.faults.join("\n")
        );
        assert!(
            points >= self.scene.least_cut_points(),
            "{} has only {points} cut points",
            self.scene.name()
        );
        assert_doctor_finds_no_breach_of(self.scene.database(), self.scene.promises()).await;
        drop(self.witness);
        self.scene.database().clone().drop().await;
    }
}

/// Prints the number of this stage and the sum so far; each test is a process of its own, so a folder keeps the others'.
fn report(name: &str, points: usize) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cut-points");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(name.replace(' ', "-")), points.to_string()).expect("a file");
    let sum: usize = fs::read_dir(&folder)
        .expect("a folder")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok()?.parse::<usize>().ok())
        .sum();
    println!("cut points: {name} {points}, of all stages so far {sum}");
}
