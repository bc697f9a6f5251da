//! As whom AWS knows the person at the terminal.

use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use makegood::config::Environment;
use makegood::runtime;
use operate::audit::Caller;
use std::path::Path;
use std::time::Duration;

/// A change must not wait longer for a name that may be missing.
const LONGEST: Duration = Duration::from_secs(3);

/// The ARN that AWS answers for the credentials of the environment or of a profile (`sts:GetCallerIdentity`). None without such, or when
/// AWS does not answer in time: what needs a caller then says so. The identity of a machine is not asked for: it is no person's.
pub async fn caller() -> Option<Caller> {
    if !has_credentials(&Environment::of_process()) {
        return None;
    }
    let limits = TimeoutConfig::builder().operation_timeout(LONGEST).build();
    let config = Builder::from(&runtime::aws().await)
        .retry_config(RetryConfig::disabled())
        .timeout_config(limits)
        .build();
    let identity = Client::from_conf(config)
        .get_caller_identity()
        .send()
        .await
        .ok()?;
    identity.arn().map(Caller::aws)
}

fn has_credentials(environment: &Environment) -> bool {
    let named = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    let home = environment.optional("HOME").unwrap_or_default();
    named.iter().any(|name| environment.optional(name).is_some())
        || [".aws/config", ".aws/credentials"]
            .iter()
            .any(|file| !home.is_empty() && Path::new(&home).join(file).is_file())
}
