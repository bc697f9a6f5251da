//! What a browser keeps for us and must not change: a text with its HMAC, for one purpose each.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The fewest bytes of a secret that can't be guessed.
const SHORTEST_SECRET: usize = 32;

/// The secret is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("CONSOLE_SECRET has fewer than 32 bytes; make one with `openssl rand -base64 48`")]
pub struct WeakSecret;

/// Signs and checks.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seal(…)")
    }
}

impl Seal {
    /// With this secret.
    ///
    /// # Errors
    /// When it has fewer than 32 bytes.
    pub fn new(secret: &str) -> Result<Self, WeakSecret> {
        if secret.len() < SHORTEST_SECRET {
            return Err(WeakSecret);
        }
        Hmac::new_from_slice(secret.as_bytes())
            .map(Self)
            .map_err(|_| WeakSecret)
    }

    fn over(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac
    }

    /// The signature alone.
    #[must_use]
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.over(purpose, text).finalize().into_bytes())
    }

    /// Whether this is the signature of that text for that purpose. In constant time.
    #[must_use]
    pub fn is_signature(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        self.over(purpose, text).verify_slice(&bytes).is_ok()
    }

    /// The text with its signature, fit for a cookie. Readable to who has it.
    #[must_use]
    pub fn close(&self, purpose: &str, text: &str) -> String {
        let text = URL_SAFE_NO_PAD.encode(text);
        let signature = self.sign(purpose, &text);
        format!("{text}.{signature}")
    }

    /// The text again; none when anybody touched it, or it was meant for something else.
    #[must_use]
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<String> {
        let (text, signature) = sealed.split_once('.')?;
        if !self.is_signature(purpose, text, signature) {
            return None;
        }
        String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_its_purpose_and_unchanged_only() {
        let seal = Seal::new(&"s".repeat(32)).unwrap();
        let sealed = seal.close("login", "state");
        assert_eq!(seal.open("login", &sealed).as_deref(), Some("state"));
        assert_eq!(seal.open("said", &sealed), None);
        assert_eq!(Seal::new(&"t".repeat(32)).unwrap().open("login", &sealed), None);
        let other = URL_SAFE_NO_PAD.encode("other");
        let (_, signature) = sealed.split_once('.').unwrap();
        assert_eq!(seal.open("login", &format!("{other}.{signature}")), None);
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert_eq!(Seal::new("password").err(), Some(WeakSecret));
    }
}
