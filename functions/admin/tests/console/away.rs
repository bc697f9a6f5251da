//! An identity provider that misbehaves: the console says so in bounded time.

use crate::stage::{Answer, get, open_admin};
use makegood::delivery::Deadline;
use makegood_tests::database::TestDatabase;
use makegood_tests::misbehaving::{Manner, Misbehaving};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_login_answers_in_time_whatever_the_identity_provider_does() {
    const ISSUERS_LIMIT: Duration = Duration::from_secs(5);
    let database = TestDatabase::create().await;
    for manner in Manner::ALL {
        let issuer = Misbehaving::start(manner).await;
        let admin = open_admin(&database, issuer.url(), &[]).await;
        let began = Instant::now();
        let deadline = Deadline::after(Duration::from_secs(25));
        let answer = Answer::of(
            &admin
                .handle(get("/admin/login"), deadline)
                .await
                .expect("an answer"),
        );
        assert!(answer.status >= 500, "{manner:?}: {}", answer.status);
        assert!(
            answer.body.contains("identity provider"),
            "{manner:?}: {}",
            answer.body
        );
        assert!(
            began.elapsed() < ISSUERS_LIMIT * 2,
            "{manner:?}: {:?}",
            began.elapsed()
        );
        admin.database.close();
    }
    database.drop().await;
}
