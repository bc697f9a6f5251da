//! A console of its own for each test: database, issuer, and requests as an HTTP API hands them over.

use admin::{Admin, Settings};
use makegood::config::Environment;
use makegood::delivery::Deadline;
use makegood_local::identity::{CONSOLE_CLIENT_ID, Issuer, OPERATOR_GROUP, Who};
use makegood_tests::database::TestDatabase;
use makegood_tests::queues;
use serde_json::{Value, json};
use std::time::Duration;

/// The host that the console is asked under.
pub const HOST: &str = "console.example";
/// Its origin.
pub const ORIGIN: &str = "https://console.example";
/// What the session's cookie is called there.
pub const SESSION: &str = "__Host-makegood";
/// Signs forms and cookies here.
pub const SECRET: &str = "a secret of the tests, long enough";

/// Every page of the console.
pub const PAGES: [&str; 15] = [
    "/admin/health",
    "/admin/doctor",
    "/admin/search?q=x",
    "/admin/jobs",
    "/admin/dead-letters",
    "/admin/dead-letters/replay",
    "/admin/dead-letters/groups",
    "/admin/edits",
    "/admin/cases",
    "/admin/refunds",
    "/admin/statement",
    "/admin/outbox",
    "/admin/sweeps",
    "/admin/audit",
    "/admin/runbook",
];

/// An answer, read.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u64,
    pub headers: Value,
    pub cookies: Vec<String>,
    pub body: String,
}

impl Answer {
    pub fn of(answer: &Value) -> Self {
        let cookies = answer["cookies"].as_array().cloned().unwrap_or_default();
        Self {
            status: answer["statusCode"].as_u64().expect("a status"),
            headers: answer["headers"].clone(),
            cookies: cookies
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            body: answer["body"].as_str().expect("a body").to_owned(),
        }
    }

    /// A header's value, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].as_str().unwrap_or_default()
    }

    /// `name=value` of a cookie that was set.
    pub fn cookie(&self, name: &str) -> String {
        let start = format!("{name}=");
        let found = self.cookies.iter().find(|cookie| cookie.starts_with(&start));
        let cookie = found.unwrap_or_else(|| panic!("{name} is not set: {:?}", self.cookies));
        cookie.split(';').next().expect("a value").to_owned()
    }

    /// The token of the page's forms.
    pub fn csrf(&self) -> String {
        let (_, rest) = self
            .body
            .split_once("name=\"csrf\" value=\"")
            .expect("the page has a form");
        rest.split('"').next().expect("a value").to_owned()
    }
}

/// A console with its database and issuer.
pub struct Stage {
    pub database: TestDatabase,
    pub issuer: Issuer,
    pub admin: Admin,
}

impl Stage {
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// With further variables.
    pub async fn open_with(more: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create().await;
        let issuer = Issuer::spawn().await.expect("the issuer listens");
        let admin = open_admin(&database, &issuer.url, more).await;
        Self {
            database,
            issuer,
            admin,
        }
    }

    /// The operator's token.
    pub fn operator(&self) -> String {
        self.issuer.token(Who::Operator)
    }

    /// The operator's claims, to be spoilt.
    pub fn claims(&self) -> Value {
        json!({"sub": "operator-on-call", "aud": CONSOLE_CLIENT_ID, "name": "Operator on call", "cognito:groups": [OPERATOR_GROUP]})
    }

    /// Hands over an event.
    pub async fn send(&self, event: Value) -> Answer {
        let deadline = Deadline::after(Duration::from_secs(25));
        Answer::of(&self.admin.handle(event, deadline).await.expect("an HTTP request"))
    }

    /// A page, as the operator.
    pub async fn page(&self, address: &str) -> Answer {
        self.send(with_cookie(
            get(address),
            &format!("{SESSION}={}", self.operator()),
        ))
        .await
    }

    /// A form sent from this page by the operator's browser, with what it holds and these fields.
    pub async fn post(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.operator();
        let cookie = format!("{SESSION}={token}");
        let shown = self.send(with_cookie(get(page), &cookie)).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        let csrf = shown.csrf();
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.send(with_cookie(post(action, &fields), &cookie)).await
    }

    pub async fn close(self) {
        assert_eq!(self.database.server_errors(), Vec::<String>::new());
        self.admin.database.close();
        self.database.drop().await;
    }
}

/// The console as its `main` opens it.
pub async fn open_admin(database: &TestDatabase, issuer: &str, more: &[(&str, &str)]) -> Admin {
    let url = database.pooler_url();
    let mut variables = vec![
        ("DATABASE_URL", url.as_str()),
        ("OIDC_ISSUER", issuer),
        ("OIDC_CLIENT_ID", CONSOLE_CLIENT_ID),
        ("CONSOLE_SECRET", SECRET),
    ];
    variables.extend(more);
    let mut environment = Environment::of(&variables);
    let settings = Settings::read(&mut environment);
    environment.finish().expect("the environment is complete");
    Admin::open(settings, &queues::aws().await)
        .await
        .expect("the console opens")
}

/// The event of a request.
pub fn request(method: &str, address: &str) -> Value {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    json!({"version": "2.0", "routeKey": format!("{method} /admin/{{proxy+}}"), "rawPath": path, "rawQueryString": query,
           "headers": {"host": HOST}, "cookies": [], "isBase64Encoded": false,
           "requestContext": {"stage": "$default", "domainName": HOST, "http": {"method": method, "path": path}}})
}

pub fn get(address: &str) -> Value {
    request("GET", address)
}

/// A form as a browser sends it from a page of ours.
pub fn post(address: &str, fields: &[(&str, &str)]) -> Value {
    let mut event = request("POST", address);
    let body = reqwest::Url::parse_with_params("http://form/", fields).expect("fields");
    event["body"] = json!(body.query().unwrap_or_default());
    let headers = event["headers"].as_object_mut().expect("headers");
    headers.insert(
        "content-type".to_owned(),
        json!("application/x-www-form-urlencoded"),
    );
    headers.insert("origin".to_owned(), json!(ORIGIN));
    headers.insert("sec-fetch-site".to_owned(), json!("same-origin"));
    event
}

pub fn with_header(mut event: Value, name: &str, value: &str) -> Value {
    event["headers"][name] = json!(value);
    event
}

pub fn with_cookie(mut event: Value, cookie: &str) -> Value {
    event["cookies"]
        .as_array_mut()
        .expect("cookies")
        .push(json!(cookie));
    event
}

/// The same request as the gateway shows it to the authorizer.
pub fn as_authorizer(mut event: Value) -> Value {
    event["type"] = json!("REQUEST");
    event["routeArn"] = json!("arn:aws:execute-api:us-east-1:000000000000:api/$default/GET/admin/health");
    event.as_object_mut().expect("an event").remove("body");
    event
}
