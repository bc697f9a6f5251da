//! The database's password is rotated while functions run: logins fail, the secret is fetched again once, nothing is lost.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use futures::future::join_all;
use makegood::config::{DatabaseConfig, DatabaseLogin};
use makegood::db::Database;
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::event_source::{self, drain_all, make_visible_again};
use makegood_tests::own_postgres::OwnPostgres;
use makegood_tests::queues::aws;
use makegood_tests::secrets::Secrets;

/// As [`Course::variables`] sets it.
const POOL_SIZE: usize = 2;
const ROLE: &str = "makegood_app";
const PURCHASES: &str = "SELECT count(*) FROM student_course_purchases";
const WAITING: &str = "SELECT count(*) FROM outbox WHERE published_at IS NULL";

/// A server whose login is in a secret, and queues.
struct Rotation {
    postgres: OwnPostgres,
    secrets: Secrets,
    course: Course,
}

impl Rotation {
    async fn begin() -> Self {
        Self::begin_on(OwnPostgres::start()).await
    }

    async fn begin_on(postgres: OwnPostgres) -> Self {
        postgres.set_password(ROLE, "first").await;
        Self {
            secrets: Secrets::holding(ROLE, "first", &postgres.authority()).await,
            postgres,
            course: Course::create().await,
        }
    }

    /// What a deployed function is told: a secret instead of a URL.
    fn variables(&self) -> Variables {
        let mut variables = self.course.variables_with(&[
            ("DATABASE_SECRET_ARN", Secrets::ARN.to_owned()),
            ("DATABASE_PROXY_ENDPOINT", self.postgres.endpoint()),
            ("DATABASE_NAME", "makegood".to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secrets.url().to_owned()),
        ]);
        variables.remove("DATABASE_URL");
        variables
    }

    async fn pay(&self, number: usize) {
        for payment in Payment::several(number) {
            let row = format!(
                "INSERT INTO payments (id, student_id, amount_cents, status, metadata) VALUES
                 ('{}', '{}', {}, 'succeeded', '{{\"courseId\": \"{}\"}}')",
                payment.id,
                payment.student_id,
                Payment::AMOUNT_MINOR,
                payment.course_id
            );
            self.postgres.run_sql(&row).await;
            let queue = &self.course.purchase_confirmed;
            queue.send(payment.event().to_string()).await;
        }
    }

    /// Delivers everything that waits once; what is returned comes again at once.
    async fn deliver_once(&self, environment: &Environment) -> usize {
        let queue = &self.course.purchase_confirmed;
        let batch = event_source::deliver(queue, environment, 10)
            .await
            .expect("a batch");
        make_visible_again(queue, &batch.left()).await;
        batch.returned.len()
    }

    async fn end(self) {
        assert!(self.course.dead_letters.drain().await.is_empty());
        self.course.database.drop().await;
    }
}

fn fetched_again(environment: &Environment) -> usize {
    let lines = environment.lines();
    let again = lines
        .iter()
        .filter(|line| line.contains("fetching the secret again"));
    again.count()
}

#[tokio::test]
async fn a_password_rotated_while_running_costs_one_more_look_at_the_secret_and_no_payment() {
    // GIVEN a function that has made purchases with the first password
    let rotation = Rotation::begin().await;
    let environment = Environment::start("create-purchase", &rotation.variables()).await;
    rotation.pay(5).await;
    assert_eq!(
        drain_all(&rotation.course.purchase_confirmed, &environment, 10).await,
        5
    );
    assert_eq!(rotation.secrets.reads(), 1);

    // WHEN the password changes, its links are cut, and payments go on coming
    rotation.postgres.set_password(ROLE, "second").await;
    rotation.secrets.put(ROLE, "second");
    rotation.postgres.cut_links_of(ROLE).await;
    rotation.pay(5).await;
    // Each dead link of the pool may cost one delivery; what is returned the next one does.
    let mut deliveries = 1;
    while rotation.deliver_once(&environment).await > 0 {
        deliveries += 1;
        assert!(deliveries <= POOL_SIZE + 1, "{:#?}", environment.lines());
    }

    // THEN each payment has its purchase and its event, and the secret was read once more
    assert_eq!(rotation.postgres.count(PURCHASES).await, 10);
    assert_eq!(rotation.postgres.count(WAITING).await, 0);
    assert_eq!(rotation.course.purchase_created.drain().await.len(), 10);
    assert_eq!((rotation.secrets.reads(), fetched_again(&environment)), (2, 1));
    rotation.end().await;
}

#[tokio::test]
async fn while_the_secret_is_behind_the_role_payments_are_returned_and_then_made_good() {
    // GIVEN a rotation that has changed the role, but not yet the secret
    let rotation = Rotation::begin().await;
    let environment = Environment::start("create-purchase", &rotation.variables()).await;
    rotation.postgres.set_password(ROLE, "second").await;
    rotation.postgres.cut_links_of(ROLE).await;
    rotation.pay(3).await;

    // WHEN payments are delivered THEN all of them are returned, none is parked
    assert_eq!(rotation.deliver_once(&environment).await, 3);
    assert_eq!(rotation.postgres.count(PURCHASES).await, 0);

    // AND when the secret follows, the same environment makes them good
    rotation.secrets.put(ROLE, "second");
    assert_eq!(
        rotation.deliver_once(&environment).await,
        0,
        "{:#?}",
        environment.lines()
    );
    assert_eq!(rotation.postgres.count(PURCHASES).await, 3);
    rotation.end().await;
}

#[tokio::test]
async fn many_that_meet_the_rotated_password_at_once_fetch_the_secret_once() {
    // GIVEN a pool whose password has changed and whose secret has followed
    let rotation = Rotation::begin().await;
    let login = DatabaseLogin::Secret {
        arn: Secrets::ARN.to_owned(),
        endpoint: rotation.postgres.endpoint(),
        name: "makegood".to_owned(),
    };
    let config = DatabaseConfig { login, pool_size: 8 };
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(aws().await.credentials_provider().expect("dummy credentials"))
        .endpoint_url(rotation.secrets.url())
        .build();
    let database = Database::open(&config, &aws).await.expect("the secret is read");
    rotation.postgres.set_password(ROLE, "second").await;
    rotation.secrets.put(ROLE, "second");

    // WHEN eight want a connection at once THEN all get one, for one more look at the secret
    let connections = join_all((0..8).map(|_| database.acquire())).await;
    assert!(connections.iter().all(Result::is_ok), "{connections:?}");
    assert_eq!(rotation.secrets.reads(), 2);
    drop(connections);
    rotation.end().await;
}

/// PgBouncer gives a refused login the state of an outage.
#[tokio::test]
async fn behind_pgbouncer_an_environment_that_meets_the_rotated_password_fetches_the_secret_again() {
    // GIVEN a function that has made purchases with the first password, and a rotation since then
    let rotation = Rotation::begin_on(OwnPostgres::start_behind_pgbouncer()).await;
    let environment = Environment::start("create-purchase", &rotation.variables()).await;
    rotation.pay(3).await;
    assert_eq!(rotation.deliver_once(&environment).await, 0);
    rotation.postgres.set_password(ROLE, "second").await;
    rotation.postgres.cut_links_of(ROLE).await;
    rotation.secrets.put(ROLE, "second");

    // WHEN its links to PgBouncer have gone too, as with a restart, THEN new ones are made with the second password
    rotation.postgres.restart_pgbouncer();
    rotation.pay(3).await;
    let mut deliveries = 1;
    while rotation.deliver_once(&environment).await > 0 {
        deliveries += 1;
        assert!(deliveries <= POOL_SIZE + 1, "{:#?}", environment.lines());
    }
    assert_eq!(rotation.postgres.count(PURCHASES).await, 6);
    assert_eq!((rotation.secrets.reads(), fetched_again(&environment)), (2, 1));
    rotation.end().await;
}
