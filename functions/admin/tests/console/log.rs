//! What the log may hold: who was refused and why, but no name, address or token.

use crate::stage::{SECRET, SESSION, Stage, as_authorizer, get, post, with_cookie};
use makegood_local::identity::CONSOLE_CLIENT_ID;
use makegood_tests::environment::{Environment, Variables};
use serde_json::json;

const NAME: &str = "Asha Gurung";
const EMAIL: &str = "asha.gurung@example.org";

#[tokio::test]
async fn the_log_holds_no_name_and_no_token() {
    let stage = Stage::open().await;
    let url = stage.database.pooler_url();
    let variables: Variables = [
        ("DATABASE_URL", url.as_str()),
        ("OIDC_ISSUER", stage.issuer.url.as_str()),
        ("OIDC_CLIENT_ID", CONSOLE_CLIENT_ID),
        ("CONSOLE_SECRET", SECRET),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    let admin = Environment::start("admin", &variables).await;
    let mut claims = stage.claims();
    claims["name"] = json!(NAME);
    claims["email"] = json!(EMAIL);
    let operator = stage.issuer.mint(&claims);
    claims["cognito:groups"] = json!(["buyers"]);
    let stranger = stage.issuer.mint(&claims);
    claims["exp"] = json!(1);
    let expired = stage.issuer.mint(&claims);
    let forged = format!("{}A", operator);
    for token in [&operator, &stranger, &expired, &forged] {
        let cookie = format!("{SESSION}={token}");
        let form = post(
            "/admin/sweeps/outbox/run",
            &[("csrf", "forged"), ("reason", "because")],
        );
        for event in [
            with_cookie(get("/admin/jobs"), &cookie),
            with_cookie(form, &cookie),
        ] {
            let _ = admin.invoke(as_authorizer(event.clone())).await.answer();
            let _ = admin.invoke(event).await.answer();
        }
    }
    // The last of them is written, so all are.
    admin.line("its signature").await;
    admin.kill().await;
    let log = admin.lines().join("\n");
    assert!(
        log.contains("a form is refused") && log.contains("without the group"),
        "{log}"
    );
    for secret in [
        NAME,
        EMAIL,
        &operator,
        &stranger,
        &expired,
        SECRET,
        "operator-on-call",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    stage.close().await;
}
