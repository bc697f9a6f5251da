//! What librdkafka asks of us: tokens for MSK's IAM access control, and a place for its log lines.

use crate::limits;
use aws_config::SdkConfig;
use aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use std::error::Error;
use tokio::runtime::Handle;

/// Answers librdkafka's callbacks. They come on its own threads, so that waiting in them stops no task.
#[derive(Clone)]
pub struct KafkaContext {
    aws: SdkConfig,
    runtime: Option<Handle>,
}

impl KafkaContext {
    /// For this AWS identity; outside a Tokio runtime it can make no tokens.
    #[must_use]
    pub fn new(aws: &SdkConfig) -> Self {
        Self {
            aws: aws.clone(),
            runtime: Handle::try_current().ok(),
        }
    }

    async fn sign(&self) -> Result<OAuthToken, Box<dyn Error>> {
        let region = self.aws.region().cloned().ok_or("AWS_REGION is not set")?;
        let credentials = self
            .aws
            .credentials_provider()
            .ok_or("there are no AWS credentials")?;
        let (token, lifetime_ms) = generate_auth_token_from_credentials_provider(region, credentials).await?;
        Ok(OAuthToken {
            token,
            // MSK takes the identity from the signed token and never looks at this.
            principal_name: String::new(),
            lifetime_ms,
        })
    }
}

impl ClientContext for KafkaContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let runtime = self.runtime.as_ref().ok_or("there is no runtime to sign on")?;
        runtime.block_on(async {
            tokio::time::timeout(limits::KAFKA_SIGNING, self.sign())
                .await
                .map_err(|_| "the AWS credentials did not come in time")?
        })
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, message, "librdkafka"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(facility, message, "librdkafka");
            }
        }
    }

    /// What a send meets is told by the send; this is what happens beside it, such as a broker going away.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "Kafka");
    }
}
