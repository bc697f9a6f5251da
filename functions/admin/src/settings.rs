//! What the console is told by its environment.

use chrono_tz::Tz;
use makegood::config::{DatabaseConfig, Environment, SecretSource};
use makegood::school_days::TeachingDays;
use operate::dead_letter::Destinations;

/// What the routes that need no login are told.
#[derive(Debug)]
pub struct OpenSettings {
    /// The database.
    pub database: DatabaseConfig,
    /// `OIDC_ISSUER`: the claim `iss`, and where discovery begins.
    pub issuer: String,
    /// `OIDC_CLIENT_ID`: the claim `aud`.
    pub client_id: String,
    /// `OIDC_CLIENT_SECRET`, where the provider gave one.
    pub client_secret: Option<SecretSource>,
    /// `OIDC_SCOPE`, `openid` unless set.
    pub scope: String,
    /// `OPERATOR_GROUP`, `operators` unless set.
    pub operator_group: String,
    /// `VIEWER_GROUP`: whose members look and change nothing; without it operators alone come in.
    pub viewer_group: Option<String>,
    /// `CONSOLE_SECRET`: signs forms and cookies; 32 bytes or more.
    pub console_secret: SecretSource,
}

/// The environment, read.
#[derive(Debug)]
pub struct Settings {
    /// As the routes that need no login have it.
    pub open: OpenSettings,
    /// `SWEEP_FUNCTION`: the function that "run now" invokes; without it no sweep can be run from here.
    pub sweep_function: Option<String>,
    /// `JOBS_QUEUE_URL`; a school without a shop has none.
    pub jobs_queue_url: Option<String>,
    /// Where dead letters may go back to.
    pub destinations: Destinations,
    /// `SINGLE_OPERATOR`: no second operator could confirm an edit.
    pub single_operator: bool,
    /// The stack's name, the end of `METRICS_NAMESPACE`: each page says whose console it is.
    pub stack: Option<String>,
    /// `RUNBOOK_URL`: where the runbook is read; the console's own copy unless set.
    pub runbook_url: Option<String>,
    /// Whose clock the pages show.
    pub timezone: Tz,
    /// The days of the week on which the school teaches.
    pub teaching_days: TeachingDays,
}

impl OpenSettings {
    /// Reads them; what is missing or wrong is noted.
    pub fn read(environment: &mut Environment) -> Self {
        let has_client_secret = ["OIDC_CLIENT_SECRET", "OIDC_CLIENT_SECRET_ARN"]
            .iter()
            .any(|name| environment.optional(name).is_some());
        Self {
            database: DatabaseConfig::read(environment),
            issuer: environment.required("OIDC_ISSUER"),
            client_id: environment.required("OIDC_CLIENT_ID"),
            client_secret: has_client_secret.then(|| SecretSource::read(environment, "OIDC_CLIENT_SECRET")),
            scope: environment
                .optional("OIDC_SCOPE")
                .unwrap_or_else(|| "openid".to_owned()),
            operator_group: environment
                .optional("OPERATOR_GROUP")
                .unwrap_or_else(|| "operators".to_owned()),
            viewer_group: environment.optional("VIEWER_GROUP"),
            console_secret: SecretSource::read(environment, "CONSOLE_SECRET"),
        }
    }
}

impl Settings {
    /// Reads them; what is missing or wrong is noted.
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            open: OpenSettings::read(environment),
            sweep_function: environment.optional("SWEEP_FUNCTION"),
            jobs_queue_url: environment.optional("JOBS_QUEUE_URL"),
            destinations: Destinations::read(environment),
            single_operator: environment.is_yes("SINGLE_OPERATOR"),
            stack: environment
                .optional("METRICS_NAMESPACE")
                .and_then(|namespace| Some(namespace.strip_prefix("Makegood/")?.to_owned())),
            runbook_url: environment.optional("RUNBOOK_URL"),
            timezone: environment.business_timezone(),
            teaching_days: environment.business_weekdays(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_anybody_on_the_way_could_play_is_named_as_a_problem() {
        let named = |issuer: &str| {
            let mut environment = Environment::of(&[("OIDC_ISSUER", issuer)]);
            Settings::read(&mut environment);
            environment
                .finish()
                .unwrap_err()
                .to_string()
                .contains("OIDC_ISSUER")
        };
        assert!(!named("https://issuer.example.com") && !named("http://127.0.0.1:9"));
        assert!(named("http://issuer.example.com") && named("issuer.example.com") && named(""));
    }
}
