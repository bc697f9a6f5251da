//! The key that tokens are signed with (RS256). Kept on disk for the local stack, since what verifies tokens there keeps
//! the public half for two hours.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const HEX_DIGITS_OF_KID: usize = 16;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The library refuses to make one.
    #[error("no RSA key could be made")]
    Generate,
    /// What stands in the file is no key.
    #[error("{0} holds no RSA key; remove it, and the next start makes a new one")]
    NoKey(String),
    /// The file can't be used.
    #[error("the signing key's file can't be used: {0}")]
    File(#[from] io::Error),
}

/// A private key, its public half, and its name.
#[derive(Debug)]
pub struct SigningKey {
    pair: KeyPair,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    kid: String,
}

impl SigningKey {
    /// A new one, of 2048 bits.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
        Self::of(pair).ok_or(KeyError::Generate)
    }

    /// The key in this file; where there is none, a new one is made and kept there, readable by its owner only.
    ///
    /// # Errors
    /// When the file can't be read or written, or holds something else.
    pub fn load_or_create(file: &Path) -> Result<Self, KeyError> {
        match fs::read(file) {
            Ok(bytes) => Self::read(&bytes).ok_or_else(|| KeyError::NoKey(file.display().to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate()?;
                key.write(file)?;
                Ok(key)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn read(pkcs8: &[u8]) -> Option<Self> {
        Self::of(KeyPair::from_pkcs8(pkcs8).ok()?)
    }

    /// Beside the file and then in its place: no reader ever gets half a key.
    fn write(&self, file: &Path) -> Result<(), KeyError> {
        let pkcs8 = self.pair.as_der().map_err(|_| KeyError::Generate)?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = file.with_extension(std::process::id().to_string());
        let mut options = fs::OpenOptions::new();
        let mut written = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        written.write_all(pkcs8.as_ref())?;
        fs::rename(&beside, file)?;
        Ok(())
    }

    fn of(pair: KeyPair) -> Option<Self> {
        let (modulus, exponent) = numbers(pair.public_key().as_ref())?;
        let kid: String = hex::encode(Sha256::digest(&modulus))
            .chars()
            .take(HEX_DIGITS_OF_KID)
            .collect();
        Some(Self {
            pair,
            modulus,
            exponent,
            kid,
        })
    }

    /// The key's name, derived from its public half.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// `/jwks.json`.
    #[must_use]
    pub fn public_set(&self) -> Value {
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(&self.modulus), "e": URL_SAFE_NO_PAD.encode(&self.exponent),
        }]})
    }

    /// These claims as a signed token. Empty when the library refuses, which no verifier takes.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with_header(&json!({}), claims)
    }

    /// The same with more fields, or others, in its header.
    #[must_use]
    pub fn sign_with_header(&self, fields: &Value, claims: &Value) -> String {
        let mut header = json!({"alg": "RS256", "typ": "JWT", "kid": self.kid});
        for (name, value) in fields.as_object().into_iter().flatten() {
            header[name] = value.clone();
        }
        let signed = [&header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let done = self.pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        );
        done.map(|()| format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature)))
            .unwrap_or_default()
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, A.1.1): a sequence of two integers in DER.
fn numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let (sequence, _) = element(der, SEQUENCE)?;
    let (modulus, rest) = element(sequence, INTEGER)?;
    let (exponent, _) = element(rest, INTEGER)?;
    let unsigned = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect();
    Some((unsigned(modulus), unsigned(exponent)))
}

/// The content of the first element, which must have this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    const LONG: u8 = 0x80;
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if first & LONG == 0 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & !LONG))?;
        let length = bytes
            .iter()
            .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        (length, rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    #[test]
    fn a_token_is_signed_with_the_published_key() {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&json!({"sub": "x"}));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.pair.public_key().as_ref());
        public.verify(signed.as_bytes(), &signature).unwrap();
        let other = SigningKey::generate().unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, other.pair.public_key().as_ref());
        assert!(public.verify(signed.as_bytes(), &signature).is_err());
        assert_eq!(key.modulus.len(), 256, "without the sign's leading zero");
        assert_eq!(key.exponent, [1, 0, 1]);
    }

    #[test]
    fn a_key_outlives_the_process_that_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identity/key.der");
        let made = SigningKey::load_or_create(&file).unwrap();
        assert_eq!(SigningKey::load_or_create(&file).unwrap().kid(), made.kid());
        fs::write(&file, "no key").unwrap();
        let refusal = SigningKey::load_or_create(&file).unwrap_err().to_string();
        assert!(refusal.contains("key.der"), "{refusal}");
    }
}
