//! Strangers on the routes that need no login, on the very binaries, as many of each as the template reserves: pages still answer.

mod public;

use crate::stage::{SECRET, SESSION, get, post, request, with_cookie};
use axum::Json;
use axum::routing::{get as get_route, post as post_route};
use futures::future::join_all;
use makegood_local::identity::{CONSOLE_CLIENT_ID, OPERATOR_GROUP, SigningKey};
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use reqwest::Url;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::pending;
use tokio::sync::{Mutex, watch};

const TEMPLATE: &str = include_str!("../../../../template.yaml");
const PAGES: &str = "GET /admin/{proxy+}";
/// The routes that need no login.
const OPEN: [&str; 5] = [
    "GET /admin",
    "GET /admin/login",
    "GET /admin/callback",
    "GET /admin/assets/{file}",
    "POST /admin/logout",
];

/// The lines of a resource of the template.
fn resource(name: &str) -> &'static str {
    let (_, rest) = TEMPLATE
        .split_once(&format!("\n  {name}:\n"))
        .expect("a resource");
    rest.split("\n\n").next().expect("its lines")
}

/// What stands between these two in a text.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).expect("it is there");
    rest.split(after).next().expect("it ends")
}

/// The resource in a reference such as `!GetAtt Name.Arn` or `!Ref Name.Alias`.
fn named(reference: &str) -> &str {
    let (_, path) = reference.split_once(' ').expect("a reference");
    path.split('.').next().expect("a name")
}

/// The function behind a route, and how many of it the template reserves with `Scale=small`.
fn behind(route: &str) -> (&'static str, usize) {
    let (before, _) = TEMPLATE
        .split_once(&format!("RouteKey: {route}\n"))
        .expect("the template has this route");
    let name = before.rsplit_once("\n\n  ").expect("a resource").1;
    let route = resource(name.split(':').next().expect("a name"));
    let integration = resource(between(route, "integrations/${", "}"));
    let function = resource(named(between(integration, "IntegrationUri: ", "\n")));
    let mapped = between(function, "AtOnce, !Ref Scale, ", "]");
    let small = between(TEMPLATE, "  AtOnce:\n    small:\n", "    full:");
    let reserved = between(small, &format!("      {mapped}: "), "\n");
    (
        between(function, "Binary: ", "}"),
        reserved.parse().expect("a number"),
    )
}

/// Environments of each function, as many as are reserved. One that is asked when all are busy is refused, as Lambda does.
struct Pools(BTreeMap<&'static str, Vec<Mutex<Environment>>>);

impl Pools {
    /// Those of the functions behind these routes.
    async fn start(routes: &[&str], variables: &Variables) -> Self {
        let mut pools = BTreeMap::new();
        for route in routes {
            let (function, reserved) = behind(route);
            if !pools.contains_key(function) {
                let started = join_all((0..reserved).map(|_| Environment::start(function, variables))).await;
                pools.insert(function, started.into_iter().map(Mutex::new).collect());
            }
        }
        Self(pools)
    }

    /// The answer of the function behind this route; none when it has no environment free.
    async fn ask(&self, route: &str, event: Value) -> Option<Value> {
        let free = self.0[behind(route).0]
            .iter()
            .find_map(|one| one.try_lock().ok())?;
        Some(free.invoke(event).await.answer())
    }

    /// A page as the gateway gets it: first its authorizer is asked, then the page.
    async fn page(&self, event: &Value) -> Option<u64> {
        let mut question = event.clone();
        question["type"] = json!("REQUEST");
        question["routeArn"] =
            json!("arn:aws:execute-api:us-east-1:000000000000:api/$default/GET/admin/{proxy+}");
        assert_eq!(self.ask(PAGES, question).await?["isAuthorized"], true);
        self.ask(PAGES, event.clone()).await?["statusCode"].as_u64()
    }
}

/// An issuer that gives its keys to every client, and a token to none.
struct Silent {
    url: String,
    key: SigningKey,
    /// How often it was asked for a token.
    asked: watch::Receiver<usize>,
}

impl Silent {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = SigningKey::generate().unwrap();
        let keys = key.public_set();
        let discovery = json!({"issuer": url, "authorization_endpoint": format!("{url}/authorize"),
                               "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys")});
        let (count, asked) = watch::channel(0);
        let token = move || {
            count.send_modify(|times| *times += 1);
            pending::<Json<Value>>()
        };
        let router = axum::Router::new()
            .route(
                "/.well-known/openid-configuration",
                get_route(|| async { Json(discovery) }),
            )
            .route("/keys", get_route(|| async { Json(keys) }))
            .route("/token", post_route(token));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, key, asked }
    }

    fn operator(&self) -> String {
        let now = chrono::Utc::now().timestamp();
        self.key.sign(&json!({"iss": self.url, "aud": CONSOLE_CLIENT_ID, "sub": "operator", "iat": now, "exp": now + 600,
                              "cognito:groups": [OPERATOR_GROUP]}))
    }
}

/// A login that was begun, as its answer would come back.
async fn begun(pools: &Pools) -> Value {
    let answer = pools
        .ask("GET /admin/login", get("/admin/login"))
        .await
        .expect("a free one");
    let page = Url::parse(answer["headers"]["location"].as_str().unwrap()).unwrap();
    let (_, state) = page.query_pairs().find(|(name, _)| name == "state").unwrap();
    let cookie = answer["cookies"][0].as_str().unwrap().split(';').next().unwrap();
    with_cookie(get(&format!("/admin/callback?code=c&state={state}")), cookie)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_floods_the_routes_without_login_keeps_no_operator_from_the_pages() {
    // GIVEN an issuer that lets every login wait, and more logins than there are environments
    let database = TestDatabase::create().await;
    let issuer = Silent::start().await;
    let variables: Variables = [
        ("DATABASE_URL", database.pooler_url()),
        ("OIDC_ISSUER", issuer.url.clone()),
        ("OIDC_CLIENT_ID", CONSOLE_CLIENT_ID.to_owned()),
        ("CONSOLE_SECRET", SECRET.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let pools = Pools::start(&[&OPEN[..], &[PAGES]].concat(), &variables).await;
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(begun(&pools).await);
    }
    let cookie = format!("{SESSION}={}", issuer.operator());
    let page = with_cookie(get("/admin/jobs"), &cookie);
    assert_eq!(pools.page(&page).await, Some(200));
    // WHEN all of them come back at once, and strangers ask everything else
    let reserved = behind("GET /admin/callback").1;
    let mut asked = issuer.asked.clone();
    let logins = join_all(
        answers
            .into_iter()
            .map(|answer| pools.ask("GET /admin/callback", answer)),
    );
    let pages = async {
        asked.wait_for(|times| *times >= reserved).await.unwrap();
        let strangers = [
            ("GET /admin", get("/admin")),
            ("GET /admin/login", get("/admin/login")),
            ("GET /admin/assets/{file}", get("/admin/assets/console.css")),
            ("POST /admin/logout", post("/admin/logout", &[])),
            (
                "GET /admin/callback",
                request("GET", "/admin/callback?code=a&state=b"),
            ),
        ];
        let flood = join_all(
            (0..200)
                .map(|n| &strangers[n % strangers.len()])
                .map(|(route, event)| pools.ask(route, event.clone())),
        );
        let operator = async {
            let mut shown = Vec::new();
            for _ in 0..20 {
                shown.push(pools.page(&page).await);
            }
            shown
        };
        futures::join!(flood, operator)
    };
    let (logins, (flood, shown)) = futures::join!(logins, pages);
    // THEN they are refused where there is no environment left, and each page is shown
    assert!(
        logins.iter().any(Option::is_none),
        "every login found an environment"
    );
    assert!(
        flood.iter().any(Option::is_none),
        "every stranger found an environment"
    );
    assert_eq!(shown, [Some(200); 20]);
    database.drop().await;
}
