//! eSewa's signature: base64 of HMAC-SHA256, compared in constant time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The merchant's secret.
#[derive(Clone)]
pub(in crate::gateway) struct SigningKey(Vec<Hmac<Sha256>>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// The secrets, one a line, without the blanks around them; none when nothing is left. The first signs; each is believed, so that what
    /// was signed before a rotation still fits.
    pub(super) fn read(secret: &str) -> Option<Self> {
        let secrets = secret.lines().map(str::trim).filter(|secret| !secret.is_empty());
        // HMAC takes keys of any length.
        let keys: Vec<_> = secrets
            .filter_map(|secret| Hmac::new_from_slice(secret.as_bytes()).ok())
            .collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    pub(super) fn sign(&self, message: &str) -> String {
        let signed = self
            .0
            .first()
            .map(|key| over(key, message).finalize().into_bytes());
        signed.map(|signed| STANDARD.encode(signed)).unwrap_or_default()
    }

    /// Constant time in the signature: `verify_slice` compares through `subtle`.
    pub(super) fn made(&self, message: &str, signature: &str) -> bool {
        let Ok(claimed) = STANDARD.decode(signature) else {
            return false;
        };
        // Every key is tried, so that the time tells nothing about which one was right.
        self.0.iter().fold(false, |matched, key| {
            matched | over(key, message).verify_slice(&claimed).is_ok()
        })
    }
}

fn over(key: &Hmac<Sha256>, message: &str) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(message.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_in_esewas_documentation() {
        let key = SigningKey::read("8gBm/:&EnhH.1/q\n").unwrap();
        let message = "total_amount=110,transaction_uuid=241028,product_code=EPAYTEST";
        assert_eq!(key.sign(message), "i94zsd3oXF6ZsSr/kGqT4sSzYQzjj1W/waxjWyRwaME=");
        assert!(key.made(message, &key.sign(message)));
        for forged in [
            "",
            "AAAA",
            "i94zsd3oXF6ZsSr/kGqT4sSzYQzjj1W/waxjWyRwaMA=",
            "not base64",
        ] {
            assert!(!key.made(message, forged), "{forged}");
        }
    }

    #[test]
    fn an_empty_secret_is_none_and_none_is_printed() {
        assert!(SigningKey::read(" \n").is_none());
        assert_eq!(format!("{:?}", SigningKey::read("hush")), "Some(SigningKey(…))");
    }
}
