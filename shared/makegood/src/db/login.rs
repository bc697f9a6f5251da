//! Where the database's login comes from, and secrets in general.

use super::authority;
use crate::config::{DatabaseConfig, DatabaseLogin, SecretSource};
use crate::limits;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;
use std::fmt;

/// Why a secret can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Secrets Manager did not give it.
    #[error("secret {arn} can't be read: {reason}; check the ARN and the function's permission to read it")]
    Unreadable {
        /// The secret.
        arn: String,
        /// What Secrets Manager said.
        reason: String,
    },
    /// It has no text, or not the fields that a login needs.
    #[error(
        "secret {arn} must be JSON with `username` and `password`, and may have `ca`, a certificate in PEM"
    )]
    WrongShape {
        /// The secret.
        arn: String,
    },
    /// The endpoint's port is no number.
    #[error("DATABASE_PROXY_ENDPOINT {0:?} must be host or host:port")]
    WrongEndpoint(String),
}

#[derive(Clone)]
pub(super) enum Login {
    Fixed,
    Url(Box<PgConnectOptions>),
    Secret {
        client: aws_sdk_secretsmanager::Client,
        arn: String,
        endpoint: String,
        name: String,
        region: Option<String>,
    },
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Login(…)")
    }
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    /// Who has signed the certificate of a database or pooler that is not RDS's, in PEM.
    ca: Option<String>,
}

impl Login {
    pub(super) fn of(config: &DatabaseConfig, aws: &aws_config::SdkConfig) -> Self {
        match &config.login {
            DatabaseLogin::Url(options) => Self::Url(options.clone()),
            DatabaseLogin::Secret { arn, endpoint, name } => Self::Secret {
                client: limits::secrets(aws),
                arn: arn.clone(),
                endpoint: endpoint.clone(),
                name: name.clone(),
                region: aws.region().map(ToString::to_string),
            },
        }
    }

    pub(super) fn can_renew(&self) -> bool {
        matches!(self, Self::Secret { .. })
    }

    pub(super) async fn fetch(&self) -> Result<PgConnectOptions, LoginError> {
        match self {
            Self::Fixed => Ok(PgConnectOptions::new_without_pgpass()),
            // RDS Proxy and PgBouncer both refuse or ignore this start-up parameter (FACTS).
            Self::Url(options) => Ok((**options).clone().extra_float_digits(None)),
            Self::Secret {
                client,
                arn,
                endpoint,
                name,
                region,
            } => {
                let text = read_secret(client, arn).await?;
                let credentials: Credentials =
                    serde_json::from_str(&text).map_err(|_| LoginError::WrongShape { arn: arn.clone() })?;
                let (host, port) = split_endpoint(endpoint)?;
                let options = PgConnectOptions::new_without_pgpass()
                    .host(host)
                    .port(port)
                    .username(&credentials.username)
                    .password(&credentials.password)
                    .database(name)
                    .extra_float_digits(None);
                Ok(authority::verified(
                    options,
                    region.as_deref(),
                    credentials.ca.as_deref(),
                ))
            }
        }
    }
}

fn split_endpoint(endpoint: &str) -> Result<(&str, u16), LoginError> {
    const POSTGRES_PORT: u16 = 5432;
    match endpoint.rsplit_once(':') {
        None => Ok((endpoint, POSTGRES_PORT)),
        Some((host, port)) => Ok((
            host,
            port.parse()
                .map_err(|_| LoginError::WrongEndpoint(endpoint.to_owned()))?,
        )),
    }
}

/// The text of a secret, wherever it is kept.
///
/// # Errors
/// When Secrets Manager does not give it.
pub async fn secret_text(source: &SecretSource, aws: &aws_config::SdkConfig) -> Result<String, LoginError> {
    match source {
        SecretSource::Plain(text) => Ok(text.clone()),
        SecretSource::Arn(arn) => read_secret(&limits::secrets(aws), arn).await,
    }
}

async fn read_secret(client: &aws_sdk_secretsmanager::Client, arn: &str) -> Result<String, LoginError> {
    let unreadable = |reason: String| LoginError::Unreadable {
        arn: arn.to_owned(),
        reason,
    };
    let answer = client.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|error| unreadable(DisplayErrorContext(error).to_string()))?;
    answer
        .secret_string
        .ok_or_else(|| unreadable("it has no text".to_owned()))
}
