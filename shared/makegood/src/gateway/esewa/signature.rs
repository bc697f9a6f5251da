//! eSewa's signature: base64 of HMAC-SHA256, compared in constant time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The merchant's secret.
#[derive(Clone)]
pub(in crate::gateway) struct SigningKey(Hmac<Sha256>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// The secret without the line end that secrets often carry; none when nothing is left.
    pub(super) fn read(secret: &str) -> Option<Self> {
        let secret = secret.trim();
        if secret.is_empty() {
            return None;
        }
        // HMAC takes keys of any length.
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    pub(super) fn sign(&self, message: &str) -> String {
        STANDARD.encode(self.over(message).finalize().into_bytes())
    }

    /// Constant time in the signature: `verify_slice` compares through `subtle`.
    pub(super) fn made(&self, message: &str, signature: &str) -> bool {
        STANDARD
            .decode(signature)
            .is_ok_and(|claimed| self.over(message).verify_slice(&claimed).is_ok())
    }

    fn over(&self, message: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(message.as_bytes());
        mac
    }
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
