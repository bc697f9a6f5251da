//! The login: OpenID Connect's authorization code flow with PKCE. What must be remembered meanwhile is in a sealed cookie
//! of ten minutes, so that nothing is kept on our side until it comes back. It is worth one answer of the issuer.

use super::issuer::read;
use super::logout::use_up;
use super::token::{Denied, Operator, Verifier};
use super::{IssuerError, Seal};
use crate::http::Form;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use makegood::db::Database;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a login may take.
pub const LASTS: Duration = Duration::from_secs(600);
const PURPOSE: &str = "login";
const HOME: &str = "/admin/health";

/// The client side of the flow.
#[derive(Debug)]
pub struct LoginFlow {
    /// The client's secret, where the provider gave one.
    pub client_secret: Option<String>,
    /// What is asked for.
    pub scope: String,
    /// Seals what the browser keeps meanwhile.
    pub seal: Seal,
}

/// What must be the same at the end as at the beginning.
#[derive(Serialize, Deserialize)]
struct Memory {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    until: i64,
}

/// Where to send the browser, and what it keeps meanwhile.
#[derive(Debug)]
pub struct Begun {
    /// The issuer's page.
    pub address: String,
    /// The cookie's value.
    pub memory: String,
}

/// An operator has logged in.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who.
    pub operator: Operator,
    /// The id token.
    pub token: String,
    /// Where the person wanted to go.
    pub next: String,
}

/// Why a login came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// It was begun in another browser, too long ago, or by another person.
    #[error("this login was not begun here, or too long ago")]
    NotBegunHere,
    /// The browser sent the issuer's answer again, or another client did.
    #[error("this login was finished before")]
    Finished,
    /// The issuer says no.
    #[error("the identity provider refused the login: {0}")]
    Refused(String),
    /// No browser would keep it, and the person would be a stranger again on the next page.
    #[error("the identity provider's token has {0} bytes, too many for a cookie")]
    TokenTooLarge(usize),
    /// What the issuer gave is no login here.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The issuer can't be asked.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl LoginFlow {
    /// Begins a login that comes back to `origin` and then goes on to `next`.
    ///
    /// # Errors
    /// When the issuer can't be asked where its page is.
    pub async fn begin(
        &self,
        verifier: &Verifier,
        origin: &str,
        next: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Begun, IssuerError> {
        let discovery = verifier.issuer.discovery(now).await?;
        let memory = Memory {
            state: secret_text(),
            nonce: secret_text(),
            verifier: secret_text(),
            next: local_address(next).to_owned(),
            until: (now + LASTS).timestamp(),
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&memory.verifier));
        let redirect = redirect_uri(origin);
        let query = encode(&[
            ("response_type", "code"),
            ("client_id", &verifier.client_id),
            ("redirect_uri", &redirect),
            ("scope", &self.scope),
            ("state", &memory.state),
            ("nonce", &memory.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let page = discovery.authorization_endpoint;
        let joint = if page.contains('?') { '&' } else { '?' };
        let text = serde_json::to_string(&memory).unwrap_or_default();
        Ok(Begun {
            address: format!("{page}{joint}{query}"),
            memory: self.seal.close(PURPOSE, &text),
        })
    }

    /// Ends it with what the issuer sent back, once: the issuer is asked for a token no second time, whoever sends the same again.
    ///
    /// # Errors
    /// Says why the login fails.
    pub async fn finish(
        &self,
        database: &Database,
        verifier: &Verifier,
        origin: &str,
        answer: &Form,
        memory: Option<&str>,
    ) -> Result<LoggedIn, LoginError> {
        let memory = memory
            .and_then(|sealed| self.seal.open(PURPOSE, sealed))
            .ok_or(LoginError::NotBegunHere)?;
        let memory: Memory = serde_json::from_str(&memory).map_err(|_| LoginError::NotBegunHere)?;
        let state = answer.raw("state").unwrap_or_default();
        let same_state = bool::from(state.as_bytes().ct_eq(memory.state.as_bytes()));
        if !same_state || verifier.clock.now().timestamp() >= memory.until {
            return Err(LoginError::NotBegunHere);
        }
        let Some(code) = answer.text("code") else {
            return Err(LoginError::Refused(
                answer.text("error").unwrap_or("it gave no code").to_owned(),
            ));
        };
        let until = DateTime::from_timestamp(memory.until, 0).unwrap_or_default();
        if !use_up(database, &memory.state, until, verifier.clock.now()).await {
            return Err(LoginError::Finished);
        }
        let token = self.exchange(verifier, origin, code, &memory.verifier).await?;
        let operator = verifier.fresh_operator(&token, &memory.nonce).await?;
        Ok(LoggedIn {
            operator,
            token,
            next: memory.next,
        })
    }

    async fn exchange(
        &self,
        verifier: &Verifier,
        origin: &str,
        code: &str,
        proof: &str,
    ) -> Result<String, LoginError> {
        let discovery = verifier.issuer.discovery(verifier.clock.now()).await?;
        let body = encode(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri(origin)),
            ("client_id", &verifier.client_id),
            ("code_verifier", proof),
        ]);
        let mut request = verifier.issuer.http().post(&discovery.token_endpoint).body(body);
        request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        if let Some(secret) = &self.client_secret {
            // RFC 6749, 2.3.1: both halves are form-encoded first.
            let [id, secret] = [verifier.client_id.as_str(), secret]
                .map(|half| form_urlencoded::byte_serialize(half.as_bytes()).collect::<String>());
            let basic = STANDARD.encode(format!("{id}:{secret}"));
            request = request.header("authorization", format!("Basic {basic}"));
        }
        let answer = request.send().await.map_err(IssuerError::from)?;
        if !answer.status().is_success() {
            return Err(LoginError::Refused(format!(
                "its token endpoint answered {}",
                answer.status().as_u16()
            )));
        }
        let tokens: Tokens = read(answer).await?;
        Ok(tokens.id_token)
    }
}

fn redirect_uri(origin: &str) -> String {
    format!("{origin}/admin/callback")
}

fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// 256 bits that can't be guessed.
fn secret_text() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// This address if it is one of our pages, else the first page: a login must not send anybody to another site.
#[must_use]
pub fn local_address(next: Option<&str>) -> &str {
    let is_ours = |address: &&str| {
        address.starts_with("/admin/")
            && !address.contains("//")
            && !address.contains('\\')
            && !address.chars().any(char::is_control)
            && !["/admin/login", "/admin/callback", "/admin/logout"]
                .iter()
                .any(|page| address.starts_with(page))
    };
    next.filter(is_ours).unwrap_or(HOME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_our_own_pages_only() {
        assert_eq!(
            local_address(Some("/admin/jobs?status=failed")),
            "/admin/jobs?status=failed"
        );
        for elsewhere in [
            "https://evil.example",
            "//evil.example/admin/",
            "/admin//evil",
            "/admin/\\evil",
            "/admin/a\nb",
            "/other",
            "",
            "/admin/login?next=/admin/login",
        ] {
            assert_eq!(local_address(Some(elsewhere)), HOME, "{elsewhere:?}");
        }
        assert_eq!(local_address(None), HOME);
    }
}
