//! The OpenID Connect issuer: where its pages are, and its public keys. Both are fetched once and kept; an unknown key asks
//! again, at most once a minute, so that a stranger's tokens can't make us hammer the issuer; one that fails is left alone
//! for a few seconds.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, KeyAlgorithm, PublicKeyUse};
use makegood::config::address;
use makegood::limits;
use reqwest::{Client, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use tokio::sync::Mutex;

/// How long unknown keys are not asked for again.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);
/// How long an issuer that failed is left alone, so that whoever tries meanwhile neither waits for it nor hammers it.
const LEFT_ALONE_FOR: TimeDelta = TimeDelta::seconds(5);
/// More of an answer than this is no issuer's: a key takes half a kilobyte.
const LONGEST_ANSWER: usize = 262_144;
/// How long keys are trusted without asking whether they still hold.
const TRUSTED_FOR: TimeDelta = TimeDelta::hours(1);

/// Why the issuer could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// It did not answer as it should.
    #[error("the identity provider does not answer: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// Its answer is too long to be one.
    #[error("the identity provider's answer has over {LONGEST_ANSWER} bytes")]
    TooLong,
    /// Its answer can't be understood.
    #[error("the identity provider's answer can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It failed a moment ago, and was not asked again.
    #[error("the identity provider did not answer a moment ago, and is asked again in a few seconds")]
    Away,
    /// It calls itself something else, so its tokens would not be ours.
    #[error("the identity provider at {asked} calls itself {found}; OIDC_ISSUER must be its own name")]
    OtherName {
        /// `OIDC_ISSUER`.
        asked: String,
        /// What it says.
        found: String,
    },
    /// It sends us where anybody on the way could read the client's secret, or answer in its place.
    #[error("the identity provider's {0} must be an https:// URL, or http:// on this machine")]
    Unprotected(&'static str),
}

/// Where the issuer's pages are.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Discovery {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    jwks_uri: String,
}

#[derive(Default)]
struct Known {
    discovery: Option<Discovery>,
    keys: HashMap<String, DecodingKey>,
    asked_at: Option<DateTime<Utc>>,
    fetched_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
}

/// The issuer, with what is known of it.
pub struct Issuer {
    url: String,
    http: Client,
    known: Mutex<Known>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Issuer({})", self.url)
    }
}

impl Issuer {
    /// The issuer of this name. Asks nothing yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: &str) -> Result<Self, IssuerError> {
        let http = Client::builder()
            .connect_timeout(limits::ISSUER.connect)
            .timeout(limits::ISSUER.operation)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            url: url.to_owned(),
            http,
            known: Mutex::default(),
        })
    }

    /// Its name, the claim `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The client to ask it with.
    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    /// Where its pages are.
    pub(super) async fn discovery(&self, now: DateTime<Utc>) -> Result<Discovery, IssuerError> {
        let mut known = self.known.lock().await;
        self.discover(&mut known, now).await
    }

    /// The key of this name; none when the issuer has no such.
    pub(super) async fn key(
        &self,
        kid: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<DecodingKey>, IssuerError> {
        let mut known = self.known.lock().await;
        let is_fresh = known.fetched_at.is_some_and(|at| now - at < TRUSTED_FOR);
        let may_ask = known.asked_at.is_none_or(|at| now - at >= ASK_AGAIN_AFTER);
        if may_ask && !(is_fresh && known.keys.contains_key(kid)) {
            // Noted only with the answer: a request that is dropped while it asks has asked nothing, and the next one may.
            match self.fetch_keys(&mut known, now).await {
                Ok(keys) => {
                    known.keys = keys;
                    known.fetched_at = Some(now);
                }
                // What is known still holds while the issuer is away.
                Err(error) if known.keys.contains_key(kid) => {
                    tracing::warn!(%error, "the issuer's keys can't be fetched again");
                }
                Err(error) => return Err(error),
            }
            known.asked_at = Some(now);
        }
        Ok(known.keys.get(kid).cloned())
    }

    async fn discover(&self, known: &mut Known, now: DateTime<Utc>) -> Result<Discovery, IssuerError> {
        if let Some(discovery) = &known.discovery {
            return Ok(discovery.clone());
        }
        let page = format!(
            "{}/.well-known/openid-configuration",
            self.url.trim_end_matches('/')
        );
        let found: Discovery = self.ask(known, &page, now).await?;
        if found.issuer != self.url {
            known.failed_at = Some(now);
            return Err(IssuerError::OtherName {
                asked: self.url.clone(),
                found: found.issuer,
            });
        }
        let named = [
            ("authorization_endpoint", &found.authorization_endpoint),
            ("token_endpoint", &found.token_endpoint),
            ("jwks_uri", &found.jwks_uri),
        ];
        if let Some((name, _)) = named.into_iter().find(|(_, text)| address(text).is_none()) {
            known.failed_at = Some(now);
            return Err(IssuerError::Unprotected(name));
        }
        known.discovery = Some(found.clone());
        Ok(found)
    }

    async fn fetch_keys(
        &self,
        known: &mut Known,
        now: DateTime<Utc>,
    ) -> Result<HashMap<String, DecodingKey>, IssuerError> {
        let discovery = self.discover(known, now).await?;
        let set: JwkSet = self.ask(known, &discovery.jwks_uri, now).await?;
        Ok(signing_keys(&set))
    }

    /// Asks it, unless it failed a moment ago.
    async fn ask<T: DeserializeOwned>(
        &self,
        known: &mut Known,
        page: &str,
        now: DateTime<Utc>,
    ) -> Result<T, IssuerError> {
        if known.failed_at.is_some_and(|at| now - at < LEFT_ALONE_FOR) {
            return Err(IssuerError::Away);
        }
        let answer = self.get(page).await;
        known.failed_at = answer.is_err().then_some(now);
        answer
    }

    async fn get<T: DeserializeOwned>(&self, page: &str) -> Result<T, IssuerError> {
        read(self.http.get(page).send().await?.error_for_status()?).await
    }
}

/// Reads an answer's JSON, no more of it than an issuer has to say.
pub(super) async fn read<T: DeserializeOwned>(mut answer: Response) -> Result<T, IssuerError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return Err(IssuerError::TooLong);
        }
    }
    Ok(serde_json::from_slice(&body)?)
}

/// The keys that sign with RS256; others in the set are for something else.
fn signing_keys(set: &JwkSet) -> HashMap<String, DecodingKey> {
    let signs = |key: &&jsonwebtoken::jwk::Jwk| {
        let common = &key.common;
        matches!(key.algorithm, AlgorithmParameters::RSA(_))
            && matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
            && matches!(common.key_algorithm, None | Some(KeyAlgorithm::RS256))
    };
    let named = set.keys.iter().filter(signs).filter_map(|key| {
        let kid = key.common.key_id.clone()?;
        Some((kid, DecodingKey::from_jwk(key).ok()?))
    });
    named.collect()
}
