//! Who a token says one is, once everything about it is right: signature, issuer, audience, time, and the group.

use super::issuer::{Issuer, IssuerError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use makegood::clock::Clock;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// How far the issuer's clock may be ahead of ours.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);
/// The longest login, whatever the token says: an operator logs in once a shift.
const LONGEST_LOGIN: TimeDelta = TimeDelta::hours(8);
/// No token of any provider is longer, and no cookie can be.
const LONGEST_TOKEN: usize = 8 * 1024;
/// The longest name that is kept of an operator.
const LONGEST_NAME: usize = 80;

/// What a person who is let in may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Look at everything, and change it.
    Operator,
    /// Look at everything, and change nothing.
    Viewer,
}

/// A person who is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// What they may do.
    pub role: Role,
    /// For the audit log: a name, and the issuer's own id of the person, which the person can't choose.
    pub actor: String,
    /// The issuer's own id of the person.
    pub subject: String,
    /// For the page's head.
    pub name: String,
    /// Stands for this very token, without giving it away.
    pub session: String,
    /// When the login ends: with the token, and eight hours after it was made at the latest.
    pub expires_at: DateTime<Utc>,
}

impl Operator {
    /// Whether they may change anything.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.role == Role::Operator
    }
}

/// Why a request is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// No token came.
    #[error("you are not logged in")]
    NoToken,
    /// The token is forged, for another audience, or unreadable.
    #[error("your login is not valid here")]
    Invalid(&'static str),
    /// It was right, and its time is over.
    #[error("your login has expired")]
    Expired,
    /// It was right, and its owner has logged out.
    #[error("you have logged out")]
    LoggedOut,
    /// The person is known, and in no group that is let in. The message is for logs, so it holds no name.
    #[error("a user who is not in the group {groups}, which may use this console")]
    NotOperator {
        /// Who, for the person's own page.
        name: String,
        /// Where the person would have to be, each in quotes.
        groups: String,
    },
    /// The issuer's keys can't be had, so no token can be checked.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

/// Checks tokens.
#[derive(Debug)]
pub struct Verifier {
    /// Who signs them.
    pub issuer: Issuer,
    /// For whom: our client id.
    pub client_id: String,
    /// Whose members may change everything.
    pub operator_group: String,
    /// Whose members may look, and change nothing; none where operators alone come in.
    pub viewer_group: Option<String>,
    /// What time it is.
    pub clock: Clock,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    iat: i64,
    /// The client that asked for it (OpenID Connect Core 1.0, 2).
    #[serde(default)]
    azp: Option<String>,
    /// Cognito's kind of token: `id` or `access`.
    #[serde(default)]
    token_use: Option<String>,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default, rename = "cognito:groups")]
    cognito_groups: Value,
    #[serde(default)]
    groups: Value,
    #[serde(default, rename = "cognito:username")]
    cognito_username: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

impl Claims {
    fn is_in(&self, group: &str) -> bool {
        [&self.cognito_groups, &self.groups]
            .into_iter()
            .any(|groups| match groups {
                Value::Array(groups) => groups.iter().any(|found| found == group),
                // Some providers write a list of one as a text. It is compared as a whole: a group's name may hold blanks and commas.
                Value::String(found) => found == group,
                _ => false,
            })
    }

    fn name(&self) -> String {
        let names = [&self.name, &self.email, &self.cognito_username];
        let name = names.into_iter().flatten().find(|name| !name.trim().is_empty());
        let name = name.unwrap_or(&self.sub).trim().chars();
        name.filter(|character| !character.is_control())
            .take(LONGEST_NAME)
            .collect()
    }
}

impl Verifier {
    /// The operator or viewer whose token this is.
    ///
    /// # Errors
    /// Says why it is not the token of an operator.
    pub async fn operator(&self, token: Option<&str>) -> Result<Operator, Denied> {
        self.check(token, None).await
    }

    /// As [`Verifier::operator`], for a token that must answer this very login.
    ///
    /// # Errors
    /// As there, and when it answers another.
    pub async fn fresh_operator(&self, token: &str, nonce: &str) -> Result<Operator, Denied> {
        self.check(Some(token), Some(nonce)).await
    }

    async fn check(&self, token: Option<&str>, nonce: Option<&str>) -> Result<Operator, Denied> {
        let token = token.ok_or(Denied::NoToken)?;
        let claims = self.claims(token).await?;
        let expires_at = self.check_time(&claims)?;
        self.check_use(&claims)?;
        if nonce.is_some_and(|nonce| claims.nonce.as_deref() != Some(nonce)) {
            return Err(Denied::Invalid("its nonce is of another login"));
        }
        let name = claims.name();
        let Some(role) = self.role_of(&claims) else {
            return Err(Denied::NotOperator {
                name,
                groups: self.groups(),
            });
        };
        let id: String = claims
            .sub
            .chars()
            .filter(|character| !character.is_control())
            .take(LONGEST_NAME)
            .collect();
        Ok(Operator {
            role,
            actor: if name == id {
                id.clone()
            } else {
                format!("{name} ({id})")
            },
            subject: id,
            name,
            session: URL_SAFE_NO_PAD.encode(Sha256::digest(token)),
            expires_at,
        })
    }

    /// What the token's groups allow; who is in both groups is an operator.
    fn role_of(&self, claims: &Claims) -> Option<Role> {
        if claims.is_in(&self.operator_group) {
            return Some(Role::Operator);
        }
        let viewers = self.viewer_group.as_deref();
        let is_viewer = viewers.is_some_and(|group| claims.is_in(group));
        is_viewer.then_some(Role::Viewer)
    }

    fn groups(&self) -> String {
        let operators = &self.operator_group;
        match &self.viewer_group {
            Some(viewers) => format!("{operators:?} or {viewers:?}"),
            None => format!("{operators:?}"),
        }
    }

    async fn claims(&self, token: &str) -> Result<Claims, Denied> {
        if token.len() > LONGEST_TOKEN {
            return Err(Denied::Invalid("it is too long"));
        }
        let header = decode_header(token).map_err(|_| Denied::Invalid("its header can't be read"))?;
        check_demands(token)?;
        if header.alg != Algorithm::RS256 {
            return Err(Denied::Invalid("it is not signed with RS256"));
        }
        let kid = header.kid.ok_or(Denied::Invalid("it does not name its key"))?;
        let Some(key) = self.issuer.key(&kid, self.clock.now()).await? else {
            return Err(Denied::Invalid("its key is not the issuer's"));
        };
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[self.issuer.url()]);
        validation.set_audience(&[&self.client_id]);
        validation.set_required_spec_claims(&["exp", "iat", "iss", "aud", "sub"]);
        // The library asks the machine's clock; ours is asked below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let read = decode::<Claims>(token, &key, &validation);
        read.map(|read| read.claims)
            .map_err(|error| Denied::Invalid(what_is_wrong(error.kind())))
    }

    /// When the login ends.
    fn check_time(&self, claims: &Claims) -> Result<DateTime<Utc>, Denied> {
        let now = self.clock.now();
        let latest = (now + CLOCK_SKEW).timestamp();
        if claims.nbf.is_some_and(|from| from > latest) {
            return Err(Denied::Invalid("its time has not come"));
        }
        let issued = DateTime::from_timestamp(claims.iat, 0).ok_or(Denied::Invalid("its iat is no time"))?;
        if claims.iat > latest {
            return Err(Denied::Invalid("it was made in the future"));
        }
        let expires = DateTime::from_timestamp(claims.exp, 0).ok_or(Denied::Invalid("its exp is no time"))?;
        let ends_at = expires.min(issued + LONGEST_LOGIN);
        if ends_at <= now {
            return Err(Denied::Expired);
        }
        Ok(ends_at)
    }

    /// Whether it is an ID token that our own client asked for: OpenID Connect Core 1.0, 3.1.3.7, and Cognito's `token_use`.
    fn check_use(&self, claims: &Claims) -> Result<(), Denied> {
        if claims
            .azp
            .as_ref()
            .is_some_and(|client| *client != self.client_id)
        {
            return Err(Denied::Invalid("another client asked for it"));
        }
        if claims.token_use.as_ref().is_some_and(|kind| kind != "id") {
            return Err(Denied::Invalid("it is no ID token"));
        }
        Ok(())
    }
}

/// What the library leaves out of a token's header.
#[derive(Debug, Deserialize)]
struct Demands {
    #[serde(default)]
    crit: Option<Value>,
    #[serde(default)]
    typ: Option<String>,
}

/// Refuses what the header asks and we can't do (`crit`: RFC 7515, 4.1.11), and access tokens (RFC 9068, 4).
fn check_demands(token: &str) -> Result<(), Denied> {
    const UNREADABLE: Denied = Denied::Invalid("its header can't be read");
    let header = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| UNREADABLE)?;
    let demands: Demands = serde_json::from_slice(&header).map_err(|_| UNREADABLE)?;
    if demands.crit.is_some() {
        return Err(Denied::Invalid(
            "its header has demands (crit) that are unknown here",
        ));
    }
    let kind = demands.typ.unwrap_or_default().to_ascii_lowercase();
    if matches!(kind.as_str(), "at+jwt" | "application/at+jwt") {
        return Err(Denied::Invalid("it is no ID token"));
    }
    Ok(())
}

fn what_is_wrong(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::InvalidIssuer => "another issuer made it",
        ErrorKind::InvalidAudience => "it is for another audience",
        ErrorKind::MissingRequiredClaim(_) => "a claim is missing",
        _ => "it can't be read",
    }
}
