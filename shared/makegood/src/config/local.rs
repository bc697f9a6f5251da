//! What stays on this machine, and what stays in a sandbox: one list of the addresses, secrets and merchants that a deployment is told.
//! The template's patterns and rules hold the same list; `tests/contract/template/local.py` walks it.

use sqlx::postgres::PgConnectOptions;
use std::net::IpAddr;
use url::{Host, Url};

/// What a setting is, and so where it may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The address of a server whose answers are believed: see [`address`].
    Address,
    /// A secret: as text on this machine only, elsewhere by its ARN.
    Secret,
    /// A merchant's public name.
    Merchant,
    /// A URL with the database's login: of this machine only, elsewhere the login is a secret.
    Database,
    /// A cache's URL: with a login on this machine only, elsewhere such a URL is a secret.
    Cache,
}

/// What tells a sandbox's value from a merchant's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is the value.
    Is(&'static str),
    /// The value begins with it.
    Begins(&'static str),
    /// The address has this host.
    Host(&'static str),
}

impl Mark {
    fn is_on(self, text: &str) -> bool {
        match self {
            Self::Is(value) => text == value,
            Self::Begins(beginning) => text.starts_with(beginning),
            Self::Host(host) => Url::parse(text).is_ok_and(|url| url.host_str() == Some(host)),
        }
    }
}

/// One setting of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The template's parameter. A secret's ARN is in one with `Arn` behind it.
    pub parameter: &'static str,
    /// The functions' variable; empty where API Gateway alone is told.
    pub variable: &'static str,
    /// What it is.
    pub kind: Kind,
    /// By what a sandbox's value is known.
    pub sandbox: &'static [Mark],
}

const fn of(
    parameter: &'static str,
    variable: &'static str,
    kind: Kind,
    sandbox: &'static [Mark],
) -> Setting {
    Setting {
        parameter,
        variable,
        kind,
        sandbox,
    }
}

/// Every address, secret and merchant that a deployment is told.
pub const SETTINGS: [Setting; 22] = [
    of("DatabaseUrl", "DATABASE_URL", Kind::Database, &[]),
    // Of migrate alone, which is told no other.
    of("DatabaseDirectUrl", "DATABASE_URL", Kind::Database, &[]),
    of("RedisUrl", "REDIS_URL", Kind::Cache, &[]),
    of("AdminServiceUrl", "ADMIN_SERVICE_URL", Kind::Address, &[]),
    of(
        "RazorpayWebhookSecret",
        "RAZORPAY_WEBHOOK_SECRET",
        Kind::Secret,
        &[],
    ),
    of("StripeWebhookSecret", "STRIPE_WEBHOOK_SECRET", Kind::Secret, &[]),
    of(
        "RazorpayApiSecret",
        "RAZORPAY_API_SECRET",
        Kind::Secret,
        &[Mark::Begins("rzp_test_")],
    ),
    of("RazorpayBaseUrl", "RAZORPAY_BASE_URL", Kind::Address, &[]),
    of(
        "StripeApiSecret",
        "STRIPE_API_SECRET",
        Kind::Secret,
        &[Mark::Begins("rk_test_"), Mark::Begins("sk_test_")],
    ),
    of("StripeBaseUrl", "STRIPE_BASE_URL", Kind::Address, &[]),
    of("ConfirmationSecret", "CONFIRMATION_SECRET", Kind::Secret, &[]),
    of("JwtIssuer", "", Kind::Address, &[]),
    of(
        "EsewaBaseUrl",
        "ESEWA_BASE_URL",
        Kind::Address,
        &[
            Mark::Host("rc-epay.esewa.com.np"),
            Mark::Host("rc.esewa.com.np"),
            Mark::Host("uat.esewa.com.np"),
        ],
    ),
    of(
        "EsewaStatusBaseUrl",
        "ESEWA_STATUS_BASE_URL",
        Kind::Address,
        &[
            Mark::Host("rc-epay.esewa.com.np"),
            Mark::Host("rc.esewa.com.np"),
            Mark::Host("uat.esewa.com.np"),
        ],
    ),
    of(
        "EsewaProductCode",
        "ESEWA_PRODUCT_CODE",
        Kind::Merchant,
        &[Mark::Is("EPAYTEST")],
    ),
    // The key that eSewa documents for that merchant; some of its pages end it with a bracket.
    of(
        "EsewaSecret",
        "ESEWA_SECRET",
        Kind::Secret,
        &[Mark::Begins("8gBm/:&EnhH.1/q")],
    ),
    of(
        "KhaltiBaseUrl",
        "KHALTI_BASE_URL",
        Kind::Address,
        &[Mark::Host("dev.khalti.com"), Mark::Host("a.khalti.com")],
    ),
    of(
        "KhaltiSecret",
        "KHALTI_SECRET",
        Kind::Secret,
        &[Mark::Begins("test_")],
    ),
    of("PaymentReturnUrl", "PAYMENT_RETURN_URL", Kind::Address, &[]),
    of("ConsoleIssuer", "OIDC_ISSUER", Kind::Address, &[]),
    of("ConsoleClientSecret", "OIDC_CLIENT_SECRET", Kind::Secret, &[]),
    of("ConsoleSecret", "CONSOLE_SECRET", Kind::Secret, &[]),
];

/// Whether a stack takes real money: its parameter `Stage`, the variable `STAGE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// It does: a sandbox's payments would give goods away.
    #[default]
    Live,
    /// It is for trying things out.
    Sandbox,
}

impl std::str::FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "live" => Ok(Self::Live),
            "sandbox" => Ok(Self::Sandbox),
            _ => Err(()),
        }
    }
}

/// The address of a server whose answers are believed and that is sent secrets: `https://`, or `http://` on this very machine, as in a local
/// stack. None for any other text. Whoever can change what such a server answers can have goods without paying.
///
/// ```
/// use makegood::config::address;
///
/// assert!(address("https://epay.example.com").is_some());
/// assert!(address("http://127.0.0.1:8080").is_some());
/// assert!(address("http://epay.example.com").is_none());
/// ```
#[must_use]
pub fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_here = is_here(&url.host()?);
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_here;
    is_safe.then_some(url)
}

fn is_here(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether this database's URL leads to this machine, by an address or by a socket.
fn is_database_here(url: &str) -> bool {
    let Ok(options) = url.parse::<PgConnectOptions>() else {
        return false;
    };
    let host = options.get_host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = bare
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || is_loopback || host == "localhost" || host.ends_with(".localhost")
}

/// Whether a URL carries a login to another machine. Of a scheme that it does not know, the crate leaves an address as text.
fn has_login_elsewhere(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        // What it is instead, its reader says.
        return false;
    };
    let is_here = url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    (!url.username().is_empty() || url.password().is_some()) && !is_here
}

/// Why this value, of this variable, can't be taken outside a sandbox; none when it can.
#[must_use]
pub fn of_a_sandbox(variable: &str, text: &str, place: Place) -> Option<String> {
    let setting = SETTINGS.iter().find(|setting| setting.variable == variable)?;
    let is_marked = setting.sandbox.iter().any(|mark| mark.is_on(text.trim()));
    (is_marked && place == Place::Live).then(|| {
        format!(
            "{variable} is that of a payment sandbox, in which no money moves, and STAGE is live; \
             deploy with Stage=sandbox, or give the merchant's own {}",
            setting.parameter
        )
    })
}

/// What these variables say that only a process on this machine, or a sandbox, may be told.
pub(super) fn problems(variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    // Lambda names the function. One that finds its database on the same machine is on no host of AWS's, but in a test or a local stack.
    let is_on_lambda = variable("AWS_LAMBDA_FUNCTION_NAME").is_some();
    let is_elsewhere = is_on_lambda && !variable("DATABASE_URL").is_some_and(|url| is_database_here(&url));
    let place = variable("STAGE")
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_default();
    let mut found = Vec::new();
    for setting in SETTINGS {
        let Some(text) = variable(setting.variable) else {
            continue;
        };
        found.extend(
            setting
                .out_of_place(&text, is_on_lambda, is_elsewhere)
                .or_else(|| of_a_sandbox(setting.variable, &text, place)),
        );
    }
    found.dedup();
    found
}

impl Setting {
    /// What is wrong with this text as its value, for where the process runs. A text that may hold a login is not repeated.
    fn out_of_place(&self, text: &str, is_on_lambda: bool, is_elsewhere: bool) -> Option<String> {
        let Self {
            parameter,
            variable: name,
            kind,
            ..
        } = self;
        match kind {
            Kind::Address if address(text).is_none() => {
                let shown = if text.contains('@') {
                    "\"…\"".to_owned()
                } else {
                    format!("{text:?}")
                };
                Some(format!(
                    "{name} is {shown}, it must be an https:// URL, or http:// on this machine"
                ))
            }
            Kind::Address if is_on_lambda && has_login_elsewhere(text) => Some(format!(
                "{name} holds a login, which everybody may read who may look at the function; give {parameter} without one"
            )),
            Kind::Secret if is_elsewhere => Some(format!(
                "{name} is given as text, which everybody may read who may look at the function; \
                 put it into Secrets Manager and give its ARN as {name}_ARN (the parameter {parameter}Arn)"
            )),
            Kind::Database if is_elsewhere => Some(format!(
                "{name} names a database that is not on this machine; put its login into Secrets Manager and give \
                 DATABASE_SECRET_ARN, DATABASE_PROXY_ENDPOINT and DATABASE_NAME (the parameter DatabaseSecretArn)"
            )),
            Kind::Cache if is_on_lambda && has_login_elsewhere(text) => Some(format!(
                "{name} holds the login of a cache that is not on this machine; put the URL into Secrets Manager and give \
                 its ARN as {name}_ARN (the parameter {parameter}SecretArn)"
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
