//! One request of an operator who is let in: what every page and every change needs.

use crate::access::{Csrf, Operator, Seal};
use crate::context::Admin;
use crate::http::{Answer, CookieNames, Form, Request, Wrong, clear_cookie, set_cookie};
use chrono::{DateTime, Utc};
use makegood::delivery::Deadline;
use operate::audit::{Act, ActError, Caller};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const PURPOSE: &str = "said";
/// How long the next page may take to say it.
const SAID_LASTS: Duration = Duration::from_secs(60);
/// A cookie has 4,096 bytes, and this one is encoded.
const LONGEST_SAID: usize = 600;

/// Why there is no page to show, or a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is no such thing.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// Some parameters are not understood. Nothing was selected or changed.
    #[error("some parameters are not understood")]
    NotUnderstood(Vec<Wrong>),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<ActError> for Fault {
    fn from(error: ActError) -> Self {
        Self::BadRequest(format!("Nothing was changed: {error}."))
    }
}

/// How something said is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// It is done.
    Good,
    /// It is not done.
    Bad,
}

/// What the next page says once, after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// How it is meant.
    pub tone: Tone,
    /// What is said.
    pub text: String,
}

impl Said {
    /// That it is done.
    pub fn done(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Good,
            text: text.into(),
        }
    }

    /// That it is not.
    pub fn not_done(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Bad,
            text: text.into(),
        }
    }

    fn close(&self, seal: &Seal) -> String {
        let text: String = self.text.chars().take(LONGEST_SAID).collect();
        let short = Self {
            tone: self.tone,
            text,
        };
        seal.close(PURPOSE, &serde_json::to_string(&short).unwrap_or_default())
    }

    fn open(seal: &Seal, sealed: &str) -> Option<Self> {
        serde_json::from_str(&seal.open(PURPOSE, sealed)?).ok()
    }
}

/// One request of an operator.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The console.
    pub admin: &'a Admin,
    /// What was asked.
    pub request: &'a Request,
    /// By whom.
    pub operator: Operator,
    /// What forms carry.
    pub csrf: Csrf,
    /// When.
    pub now: DateTime<Utc>,
    /// How long there is time.
    pub deadline: Deadline,
    /// What the change before said.
    pub said: Option<Said>,
    names: CookieNames,
}

impl<'a> Visit<'a> {
    /// The operator's visit.
    pub fn of(admin: &'a Admin, request: &'a Request, operator: Operator, deadline: Deadline) -> Self {
        let names = CookieNames::of(&request.origin());
        Self {
            admin,
            request,
            csrf: Csrf::of(&admin.seal, &operator),
            operator,
            now: admin.clock.now(),
            deadline,
            said: request
                .cookie(names.said)
                .and_then(|sealed| Said::open(&admin.seal, sealed)),
            names,
        }
    }

    /// Whether whoever looks may change anything: only then a page has forms.
    pub fn may_act(&self) -> bool {
        self.operator.may_act()
    }

    /// Who acts, and why, from the form's field `reason`.
    ///
    /// # Errors
    /// When no reason is given.
    pub fn act(&self, form: &Form) -> Result<Act, ActError> {
        let act = Act::new(&self.operator.actor, form.raw("reason").unwrap_or_default())?;
        let caller = Some(Caller::login(&self.operator.subject));
        Ok(Act { caller, ..act })
    }

    /// On to that page, which says this.
    pub fn go_on(&self, address: &str, said: &Said) -> Answer {
        let cookie = set_cookie(
            &self.names,
            self.names.said,
            &said.close(&self.admin.seal),
            SAID_LASTS,
        );
        Answer::see_other(address).with_cookie(cookie)
    }

    /// The page has said it: not again.
    pub fn said_it(&self, answer: Answer) -> Answer {
        if self.said.is_none() {
            return answer;
        }
        answer.with_cookie(clear_cookie(&self.names, self.names.said))
    }
}
