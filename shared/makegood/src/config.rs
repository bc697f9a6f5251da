//! The only reader of the environment. All that is missing or wrong is named at once.

use crate::clash_rules::{AlternativeSlots, ClashRules, TrainerSessions};
use crate::school_days::TeachingDays;
use chrono_tz::Tz;
use sqlx::postgres::PgConnectOptions;
use std::collections::HashMap;
use std::str::FromStr;

mod local;

pub use local::{Kind, Mark, Place, SETTINGS, Setting, address, of_a_sandbox};

/// What is wrong with the environment, all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment is not complete: {}; set what is named and start again", problems.join("; "))]
pub struct ConfigError {
    /// One sentence a variable.
    pub problems: Vec<String>,
}

/// Environment variables being read; collects every problem instead of stopping at the first.
#[derive(Debug, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
    problems: Vec<String>,
}

impl Environment {
    /// The process's own variables.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars().collect(),
            problems: Vec::new(),
        }
    }

    /// These variables, for tests.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            variables,
            problems: Vec::new(),
        }
    }

    /// The variable's text; an empty one counts as absent.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }

    /// The variable's text; when absent, empty, and the problem is noted.
    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems.push(format!("{name} is missing"));
            String::new()
        })
    }

    /// The variable read as `T`, or this default when it is absent; a value that can't be read is noted.
    pub fn parsed<T: FromStr>(&mut self, name: &str, default: T, expected: &str) -> T {
        let Some(text) = self.optional(name) else {
            return default;
        };
        text.trim().parse().unwrap_or_else(|_| {
            self.problems
                .push(format!("{name} is {text:?}, it must be {expected}"));
            default
        })
    }

    /// Notes a problem that only the caller can see.
    pub fn note(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// A comma-separated list without empty entries; when absent, empty, and the problem is noted.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        split(&self.required(name))
    }

    /// Whether the variable is `yes`; `no` and absent are not, and anything else is noted.
    pub fn is_yes(&mut self, name: &str) -> bool {
        match self.optional(name).as_deref().map(str::trim) {
            None | Some("no") => false,
            Some("yes") => true,
            Some(other) => {
                let problem = format!("{name} is {other:?}, it must be yes or no");
                self.problems.push(problem);
                false
            }
        }
    }

    /// `BUSINESS_TIMEZONE`, an IANA name; `Asia/Kolkata` unless set.
    pub fn business_timezone(&mut self) -> Tz {
        self.parsed(
            "BUSINESS_TIMEZONE",
            Tz::Asia__Kolkata,
            "an IANA time zone such as Asia/Kolkata",
        )
    }

    /// `STAGE`: whether real money is taken; `live` unless set.
    pub fn place(&mut self) -> Place {
        self.parsed("STAGE", Place::Live, "live or sandbox")
    }

    /// `BUSINESS_WEEKDAYS`, the days of the week on which the school teaches; Monday to Friday unless set.
    pub fn business_weekdays(&mut self) -> TeachingDays {
        self.parsed(
            "BUSINESS_WEEKDAYS",
            TeachingDays::default(),
            TeachingDays::EXPECTED,
        )
    }

    /// `TRAINER_SESSIONS` and `ALTERNATIVE_SLOTS`, what the school wants where two sessions would be at one time: a trainer teaches one student
    /// at a time, and there are no other times, unless set.
    pub fn clash_rules(&mut self) -> ClashRules {
        ClashRules {
            trainer_sessions: self.parsed(
                "TRAINER_SESSIONS",
                TrainerSessions::default(),
                TrainerSessions::EXPECTED,
            ),
            alternatives: self.parsed(
                "ALTERNATIVE_SLOTS",
                AlternativeSlots::default(),
                AlternativeSlots::EXPECTED,
            ),
        }
    }

    /// Ends the reading. Here every program alike is told what must stay on this machine, or in a sandbox ([`SETTINGS`]).
    ///
    /// # Errors
    /// Names every variable that is missing or wrong.
    pub fn finish(&self) -> Result<(), ConfigError> {
        let mut problems = self.problems.clone();
        for problem in local::problems(|name| self.optional(name)) {
            // Its reader may have said so already.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError { problems })
        }
    }
}

/// A comma-separated list without empty entries.
fn split(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Where a secret's text comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Given in the environment (local stack, tests).
    Plain(String),
    /// Read from Secrets Manager.
    Arn(String),
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(_) => formatter.write_str("Plain(…)"),
            Self::Arn(arn) => write!(formatter, "Arn({arn})"),
        }
    }
}

impl SecretSource {
    /// Reads `NAME` or `NAME_ARN`; neither is noted as a problem.
    pub fn read(environment: &mut Environment, name: &str) -> Self {
        if let Some(text) = environment.optional(name) {
            return Self::Plain(text);
        }
        if let Some(arn) = environment.optional(&format!("{name}_ARN")) {
            return Self::Arn(arn);
        }
        environment.note(format!("{name} is missing (or {name}_ARN, the secret's ARN)"));
        Self::Plain(String::new())
    }

    /// As [`SecretSource::read`], where one of the two is set; none where neither is.
    pub fn read_if_given(environment: &mut Environment, name: &str) -> Option<Self> {
        let is_set = [name.to_owned(), format!("{name}_ARN")]
            .iter()
            .any(|name| environment.optional(name).is_some());
        is_set.then(|| Self::read(environment, name))
    }
}

/// Where the database is, and how many connections one environment may hold.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Where the login comes from.
    pub login: DatabaseLogin,
    /// The most connections of one environment. Functions' maximum concurrency times this stays under the
    /// proxy's limit.
    pub pool_size: u32,
}

/// Where the login comes from.
#[derive(Debug, Clone)]
pub enum DatabaseLogin {
    /// `DATABASE_URL`.
    Url(Box<PgConnectOptions>),
    /// `DATABASE_SECRET_ARN`, `DATABASE_PROXY_ENDPOINT`, `DATABASE_NAME`.
    Secret {
        /// A secret with `username` and `password`.
        arn: String,
        /// Host, or host:port, of the proxy.
        endpoint: String,
        /// The database.
        name: String,
    },
}

impl DatabaseConfig {
    const DEFAULT_POOL_SIZE: u32 = 2;

    /// Reads `DATABASE_URL`, or the secret's three variables, and `DATABASE_POOL_SIZE` (default 2).
    pub fn read(environment: &mut Environment) -> Self {
        let login = match environment.optional("DATABASE_URL") {
            Some(url) => DatabaseLogin::Url(Box::new(url.parse().unwrap_or_else(|_| {
                // The text is not repeated: it may hold a password.
                environment.note("DATABASE_URL is no postgres:// URL".to_owned());
                PgConnectOptions::new_without_pgpass()
            }))),
            None => Self::read_secret(environment),
        };
        let pool_size = environment.parsed(
            "DATABASE_POOL_SIZE",
            Self::DEFAULT_POOL_SIZE,
            "a number of connections, 1 or more",
        );
        Self {
            login,
            pool_size: pool_size.max(1),
        }
    }

    fn read_secret(environment: &mut Environment) -> DatabaseLogin {
        let Some(arn) = environment.optional("DATABASE_SECRET_ARN") else {
            environment.note(
                "DATABASE_URL is missing (or DATABASE_SECRET_ARN with DATABASE_PROXY_ENDPOINT and DATABASE_NAME)"
                    .to_owned(),
            );
            return DatabaseLogin::Url(Box::new(PgConnectOptions::new_without_pgpass()));
        };
        DatabaseLogin::Secret {
            arn,
            endpoint: environment.required("DATABASE_PROXY_ENDPOINT"),
            name: environment.required("DATABASE_NAME"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_named_at_once() {
        let mut environment = Environment::of(&[("BUSINESS_TIMEZONE", "Mars/Olympus")]);
        environment.required("REDIS_URL");
        environment.list("QUEUE_URL_PURCHASE_CREATED");
        environment.business_timezone();
        DatabaseConfig::read(&mut environment);
        SecretSource::read(&mut environment, "RAZORPAY_WEBHOOK_SECRET");
        let message = environment.finish().unwrap_err().to_string();
        for name in [
            "REDIS_URL",
            "QUEUE_URL_PURCHASE_CREATED",
            "BUSINESS_TIMEZONE",
            "DATABASE_URL",
            "RAZORPAY_WEBHOOK_SECRET",
        ] {
            assert!(message.contains(name), "{name} is not named in {message}");
        }
    }

    #[test]
    fn the_teaching_days_are_monday_to_friday_unless_named_and_never_none() {
        let read = |variables: &[(&str, &str)]| {
            let mut environment = Environment::of(variables);
            let days = environment.business_weekdays().iso_numbers();
            environment.finish().map(|()| days)
        };
        assert_eq!(read(&[]), Ok(vec![1, 2, 3, 4, 5]));
        assert_eq!(read(&[("BUSINESS_WEEKDAYS", "")]), Ok(vec![1, 2, 3, 4, 5]));
        assert_eq!(
            read(&[("BUSINESS_WEEKDAYS", " Sun-Thu ")]),
            Ok(vec![1, 2, 3, 4, 7])
        );
        for wrong in [" ", "Mon-Fry", "none"] {
            let refused = read(&[("BUSINESS_WEEKDAYS", wrong)]).unwrap_err();
            assert_eq!(
                refused.problems,
                [format!(
                    "BUSINESS_WEEKDAYS is {wrong:?}, it must be the days of the week on which the school teaches, at least one, \
                     such as Mon-Fri or Sun,Mon,Tue,Wed,Thu"
                )]
            );
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(
            format!("{:?}", SecretSource::Plain("hush".to_owned())),
            "Plain(…)"
        );
    }
}
