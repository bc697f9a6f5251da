//! Asks AWS, signed. Each of twelve services is asked a few questions only; their SDKs, which take longer to compile than all of
//! Makegood, are left out (docs/decisions/0080).

use crate::preflight::call::{Call, Protocol};
use crate::preflight::element::Element;
use anyhow::{Context, anyhow};
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use backon::{ExponentialBuilder, Retryable};
use reqwest::{Client, Method, Request, StatusCode};
use serde_json::Value;
use std::fmt;
use std::time::{Duration, SystemTime};

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(20);
/// More pages than any account needs; an answer that names itself as its next page must end.
pub const MOST_PAGES: usize = 100;

/// An account in a region, with the credentials of whoever asks.
#[derive(Debug)]
pub struct Account {
    http: Client,
    credentials: Credentials,
    /// The region.
    pub region: String,
    /// One address for all services, as an emulator has (`AWS_ENDPOINT_URL`).
    endpoint: Option<String>,
}

/// What is sent.
struct Question<'a> {
    call: &'a Call,
    method: Method,
    path: &'a str,
    /// The type of the body.
    kind: &'a str,
    /// The operation, where a header names it.
    target: Option<&'a str>,
    body: String,
}

/// Why a question has no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The credentials may not ask it.
    Denied(String),
    /// The service answered this question with a code and a message.
    Refused {
        asked: String,
        code: String,
        message: String,
    },
    /// There was no answer, or none that can be read.
    Away(String),
}

impl Refusal {
    /// More than [`MOST_PAGES`] pages.
    pub fn endless(call: &Call) -> Self {
        Self::Away(format!("{} has no end of pages", call.permission()))
    }

    /// Whether the service says that no database can be made as it was asked about, such as of this version.
    pub fn is_impossible(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "InvalidParameterCombination")
    }

    /// Whether the service says that what was asked for does not exist.
    pub fn is_absent(&self) -> bool {
        let Self::Refused { code, message, .. } = self else {
            return false;
        };
        code.contains("NotFound") || code.contains("NoSuch") || message.contains("does not exist")
    }

    fn passes(&self) -> bool {
        match self {
            Self::Denied(_) => false,
            Self::Refused { code, .. } => {
                code.contains("Throttl") || code == "RequestLimitExceeded" || code.contains("Unavailable")
            }
            Self::Away(_) => true,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(permission) => write!(
                formatter,
                "these credentials may not ask it: {permission} is missing"
            ),
            Self::Refused { asked, code, message } => write!(formatter, "{asked}: {code}: {message}"),
            Self::Away(why) => formatter.write_str(why),
        }
    }
}

impl Account {
    /// Credentials and region as the AWS CLI finds them.
    ///
    /// # Errors
    /// When there is no region, or there are no credentials.
    pub async fn open(profile: Option<&str>, region: Option<&str>) -> anyhow::Result<Self> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let region = config
            .region()
            .ok_or_else(|| anyhow!("no region; give --region, or set AWS_REGION"))?
            .to_string();
        let provider = config
            .credentials_provider()
            .ok_or_else(|| anyhow!("no credentials"))?;
        let credentials = provider.provide_credentials().await.context(
            "no credentials; log in, and for a profile of SSO: eval \"$(aws configure export-credentials --profile NAME --format env)\"",
        )?;
        Ok(Self {
            http: Client::builder()
                .connect_timeout(CONNECT)
                .timeout(ANSWER)
                .build()?,
            credentials,
            region,
            endpoint: config
                .endpoint_url()
                .map(|url| url.trim_end_matches('/').to_owned()),
        })
    }

    /// Asks a service that answers in XML, for all pages.
    ///
    /// # Errors
    /// When it refuses, or does not answer.
    pub async fn xml(&self, call: &Call, parameters: &[(&str, &str)]) -> Result<Vec<Element>, Refusal> {
        let Protocol::Query { version, page } = call.protocol else {
            return Err(Refusal::Away(format!(
                "{} does not answer in XML",
                call.permission()
            )));
        };
        let (mut pages, mut next) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("Action", call.action)
                .append_pair("Version", version)
                .extend_pairs(parameters);
            if let Some(token) = &next {
                form.append_pair(page, token);
            }
            let question = Question {
                call,
                method: Method::POST,
                path: "/",
                kind: "application/x-www-form-urlencoded",
                target: None,
                body: form.finish(),
            };
            let answer = self.ask(&question).await?;
            let answer = Element::read(&answer)
                .map_err(|error| Refusal::Away(format!("{}: {error}", call.permission())))?;
            next = answer.find_ignoring_case(page).filter(|_| !page.is_empty());
            pages.push(answer);
            if next.is_none() {
                return Ok(pages);
            }
        }
        Err(Refusal::endless(call))
    }

    /// Asks a service that takes and answers JSON.
    ///
    /// # Errors
    /// As [`Self::xml`].
    pub async fn json(&self, call: &Call, body: &Value) -> Result<Value, Refusal> {
        let question = Question {
            call,
            method: Method::POST,
            path: "/",
            kind: match call.service {
                "sqs" => "application/x-amz-json-1.0",
                _ => "application/x-amz-json-1.1",
            },
            target: match call.protocol {
                Protocol::Json { target } => Some(target),
                _ => None,
            },
            body: body.to_string(),
        };
        let answer = self.ask(&question).await?;
        read_json(call, &answer)
    }

    /// Asks a service by an address below its own.
    ///
    /// # Errors
    /// As [`Self::xml`].
    pub async fn get(&self, call: &Call, path: &str) -> Result<Value, Refusal> {
        let question = Question {
            call,
            method: Method::GET,
            path,
            kind: "application/json",
            target: None,
            body: String::new(),
        };
        let answer = self.ask(&question).await?;
        read_json(call, &answer)
    }

    /// Asks up to three times, where a repeat can help: each of these questions only reads.
    async fn ask(&self, question: &Question<'_>) -> Result<String, Refusal> {
        let once = || self.once(question);
        once.retry(ExponentialBuilder::default().with_max_times(2))
            .when(Refusal::passes)
            .await
    }

    async fn once(&self, question: &Question<'_>) -> Result<String, Refusal> {
        let call = question.call;
        let away = |error: &dyn fmt::Display| Refusal::Away(format!("{}: {error}", call.permission()));
        let request = self
            .signed(question)
            .map_err(|error| away(&format!("{error:#}")))?;
        let answer = self
            .http
            .execute(request)
            .await
            .map_err(|error| away(&chain(&error)))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| away(&chain(&error)))?;
        if status.is_success() {
            Ok(text)
        } else {
            Err(refusal(call, status, &text))
        }
    }

    fn signed(&self, question: &Question<'_>) -> anyhow::Result<Request> {
        let service = question.call.service;
        let url = format!("{}{}", self.address_of(service), question.path);
        let mut headers = vec![("content-type", question.kind)];
        headers.extend(question.target.map(|target| ("x-amz-target", target)));
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new(
            question.method.as_str(),
            &url,
            headers.iter().copied(),
            SignableBody::Bytes(question.body.as_bytes()),
        )?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let mut request = self
            .http
            .request(question.method.clone(), &url)
            .body(question.body.clone());
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            request = request.header(name, value);
        }
        Ok(request.build()?)
    }

    fn address_of(&self, service: &str) -> String {
        let suffix = if self.region.starts_with("cn-") { ".cn" } else { "" };
        self.endpoint
            .clone()
            .unwrap_or_else(|| format!("https://{service}.{}.amazonaws.com{suffix}", self.region))
    }
}

/// An error of the link with its causes, which it does not say itself.
fn chain(error: &reqwest::Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        said = format!("{said}: {inner}");
        cause = inner.source();
    }
    said
}

fn read_json(call: &Call, answer: &str) -> Result<Value, Refusal> {
    serde_json::from_str(answer).map_err(|error| Refusal::Away(format!("{}: {error}", call.permission())))
}

/// Of an error's document: XML has a code and a message, JSON a type (with what precedes a `#`) and a message.
fn refusal(call: &Call, status: StatusCode, text: &str) -> Refusal {
    let (code, message) = match (serde_json::from_str::<Value>(text), Element::read(text)) {
        (Ok(answer), _) => {
            let of = |keys: [&str; 2]| {
                keys.iter()
                    .find_map(|key| answer[*key].as_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            let kind = of(["__type", "code"]);
            (
                kind.rsplit('#').next().unwrap_or_default().to_owned(),
                of(["message", "Message"]),
            )
        }
        (_, Ok(answer)) => {
            let of = |name: &str| answer.find_ignoring_case(name).unwrap_or_default();
            (of("Code"), of("Message"))
        }
        _ => (String::new(), String::new()),
    };
    let is_denied = [
        "AccessDenied",
        "UnauthorizedOperation",
        "AuthorizationError",
        "NotAuthorized",
    ]
    .iter()
    .any(|word| code.contains(word));
    if is_denied || (status == StatusCode::FORBIDDEN && code.is_empty()) {
        return Refusal::Denied(call.permission());
    }
    if status.is_server_error() {
        return Refusal::Away(format!("{}: {status} {code} {message}", call.permission()));
    }
    let code = if code.is_empty() { status.to_string() } else { code };
    Refusal::Refused {
        asked: call.permission(),
        code,
        message,
    }
}
