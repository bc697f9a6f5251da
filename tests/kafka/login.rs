//! How the producer logs in to MSK: with a token that the function's own role signs, over TLS.

use aws_config::{Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use makegood::outbox::{KafkaAuth, KafkaConfig, KafkaContext, KafkaTransport};
use rdkafka::ClientContext;

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
