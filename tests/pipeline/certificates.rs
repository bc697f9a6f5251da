//! A login from a secret goes to the host that it is for, and to no server that stands in between.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use makegood::config::{DatabaseConfig, DatabaseLogin};
use makegood::db::{Database, ErrorClass, classify};
use makegood_tests::own_postgres::OwnPostgres;
use makegood_tests::queues::aws;
use makegood_tests::secrets::Secrets;

const ROLE: &str = "makegood_app";

/// Connects as a deployed function does, to this endpoint, with this authority in the secret.
async fn connect(endpoint: &str, authority: &str) -> Result<(), sqlx::Error> {
    let secrets = Secrets::holding(ROLE, "first", authority).await;
    let login = DatabaseLogin::Secret {
        arn: Secrets::ARN.to_owned(),
        endpoint: endpoint.to_owned(),
        name: "makegood".to_owned(),
    };
    let config = DatabaseConfig { login, pool_size: 1 };
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(aws().await.credentials_provider().expect("dummy credentials"))
        .endpoint_url(secrets.url())
        .build();
    let database = Database::open(&config, &aws).await.expect("the secret is read");
    let mut connection = database.acquire().await?;
    sqlx::query("SELECT 1").execute(&mut connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_certificate_of_another_host_or_authority_is_refused_and_the_password_is_not_sent() {
    // GIVEN a server, and a pooler, whose certificate names 127.0.0.1 alone
    let postgres = OwnPostgres::start_behind_pgbouncer();
    let other = OwnPostgres::start();
    postgres.set_password(ROLE, "first").await;
    let (right, pooler) = (postgres.authority(), postgres.endpoint());
    let by_name = pooler.replace("127.0.0.1", "localhost");

    // WHEN a function connects to that host, and knows who has signed its certificate THEN it is let in
    connect(&pooler, &right)
        .await
        .expect("the host and the authority are right");

    // WHEN the host has another name, or another authority has signed THEN it sends no login, and nothing is to blame on the
    // message
    for (what, endpoint, authority, said) in [
        ("another name", &by_name, &right, "NotValidForName"),
        ("another authority", &pooler, &other.authority(), "BadSignature"),
        (
            "no authority but RDS's and the public ones",
            &pooler,
            &String::new(),
            "UnknownIssuer",
        ),
    ] {
        let error = connect(endpoint, authority).await.expect_err(what);
        assert!(format!("{error:?}").contains(said), "{what}: {error:?}");
        assert_eq!(classify(&error), ErrorClass::Unavailable, "{what}");
    }
}
