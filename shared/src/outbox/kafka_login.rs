//! What librdkafka asks of us: tokens for MSK's IAM access control, and a place for its log lines.

use aws_config::SdkConfig;
use aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use std::error::Error;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long signing may take; only credentials that must be fetched first need any time at all.
const SIGNING_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers librdkafka's callbacks. They come on its own threads, so that waiting in them stops nobody else.
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
            tokio::time::timeout(SIGNING_TIMEOUT, self.sign())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::{KafkaAuth, KafkaConfig, KafkaTransport};
    use aws_sdk_sqs::config::{Credentials, Region, SharedCredentialsProvider};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn identity() -> SdkConfig {
        let session = Some("the-session".to_owned());
        let credentials = Credentials::new("the-key", "hush", session, None, "test");
        SdkConfig::builder()
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_token_is_signed_with_the_functions_own_credentials_for_its_region() {
        let context = KafkaContext::new(&identity());
        // As librdkafka does it: from a thread of its own.
        let asked = std::thread::spawn(move || {
            context
                .generate_oauth_token(None)
                .map_err(|error| error.to_string())
        });
        let token = asked.join().unwrap().unwrap();

        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(token.token).unwrap()).unwrap();
        assert!(
            url.starts_with("https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect"),
            "{url}"
        );
        for part in [
            "X-Amz-Signature=",
            "X-Amz-Security-Token=the-session",
            "X-Amz-Credential=the-key",
        ] {
            assert!(url.contains(part), "{part} is not in {url}");
        }
        assert!(!url.contains("hush"), "the secret is in {url}");
        let minutes_left = (token.lifetime_ms - chrono::Utc::now().timestamp_millis()) / 60_000;
        assert!((10..=15).contains(&minutes_left), "{minutes_left} minutes");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn without_credentials_the_broker_is_told_why_and_not_a_made_up_token() {
        let context = KafkaContext::new(&SdkConfig::builder().region(Region::new("eu-west-1")).build());
        let asked = std::thread::spawn(move || {
            context
                .generate_oauth_token(None)
                .map_err(|error| error.to_string())
        });
        let error = asked.join().unwrap().map(|_| ()).unwrap_err();
        assert_eq!(error, "there are no AWS credentials");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn this_build_can_log_in_with_iam_over_tls() {
        // librdkafka refuses the configuration when it was built without OpenSSL.
        let config = KafkaConfig {
            brokers: "127.0.0.1:9".to_owned(),
            auth: KafkaAuth::Iam,
        };
        KafkaTransport::open(&config, &identity()).unwrap();
    }
}
