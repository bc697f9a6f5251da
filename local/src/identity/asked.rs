//! What a client asks of the login.

use reqwest::Url;
use serde::Deserialize;

/// What a client asks for, in the query of the page and again in its form.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Asked {
    pub(super) response_type: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    #[serde(default)]
    pub(super) scope: String,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) nonce: String,
    #[serde(default)]
    pub(super) code_challenge: String,
    #[serde(default)]
    pub(super) code_challenge_method: String,
}

impl Asked {
    /// Where to go back to, or what is wrong. Only to this machine: the tokens of this provider are for no other.
    pub(super) fn check(&self) -> Result<Url, &'static str> {
        let back = Url::parse(&self.redirect_uri).map_err(|_| "redirect_uri is no address.")?;
        let local = back
            .host_str()
            .is_some_and(|host| host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost"));
        if !local {
            return Err("redirect_uri must lead to this machine: this provider is a stub.");
        }
        if self.response_type != "code" {
            return Err("response_type must be code.");
        }
        if self.code_challenge.is_empty() || self.code_challenge_method != "S256" {
            return Err("code_challenge is missing, or code_challenge_method is not S256.");
        }
        Ok(back)
    }
}
