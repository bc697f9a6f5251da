//! HMAC-SHA256 signatures in hex, compared in constant time.
//! Razorpay signs the body alone; a confirmation is signed over a timestamp and the body, and so is Stripe's webhook (`stripe_header`).

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// How far a confirmation's timestamp may lie from now, in seconds, either way.
pub const TOLERANCE_SECONDS: i64 = 300;

/// Why a request is not believed. Nothing is stored for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// A header that signing needs is not there.
    #[error("header {0} is missing; sign the request")]
    Missing(&'static str),
    /// The signature is not the one of these bytes.
    #[error("the signature does not match; sign the raw body with the shared secret, HMAC-SHA256 in hex")]
    Mismatch,
    /// Stripe's header has no time, or no signature of a scheme that is read.
    #[error("Stripe-Signature must be t=<seconds>,v1=<HMAC-SHA256 in hex> with one or more v1")]
    NoScheme,
    /// Stripe's time is too far from now.
    #[error(
        "t of Stripe-Signature is more than five minutes from now; send the event again, and check the clock"
    )]
    StaleEvent,
    /// The timestamp is no number of seconds.
    #[error("X-Makegood-Timestamp must be whole seconds since the epoch")]
    NoTimestamp,
    /// The timestamp counts milliseconds.
    #[error("X-Makegood-Timestamp is in milliseconds; it must be whole seconds since the epoch")]
    Millis,
    /// The timestamp is too far from now: an old request sent again, or a clock that is off.
    #[error("X-Makegood-Timestamp is more than five minutes from now; sign again, and check the clock")]
    Stale,
}

impl Forged {
    /// A stable code for the caller.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing(_) => "missing_signature",
            Self::Mismatch | Self::NoScheme => "invalid_signature",
            Self::NoTimestamp | Self::Millis => "invalid_timestamp",
            Self::Stale | Self::StaleEvent => "stale_timestamp",
        }
    }
}

/// Fewer bytes than this, and a secret can be guessed. Whoever makes it chooses how long it is, so 32 are asked for.
pub const OWN_SECRET_BYTES: usize = 32;
/// A merchant types the webhook secret into Razorpay's dashboard, where many are shorter.
pub const WEBHOOK_SECRET_BYTES: usize = 16;
/// The new and the old one, while a rotation lasts.
const MOST_SECRETS: usize = 2;

/// Why a function can't start: these secrets are none to trust a payment to. Never tells a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} {problem}; it must be plain text: one secret of at least {least} bytes, or the new and the old one on a line each"
)]
pub struct BadSecret {
    name: &'static str,
    problem: String,
    least: usize,
}

/// The shared secrets of one sender.
#[derive(Clone)]
pub struct Keys(Vec<Hmac<Sha256>>);

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys(…)")
    }
}

impl Keys {
    /// None at all: of a sender that is not configured. No signature fits.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether the sender is not configured.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads one secret a line, two at most: during a rotation the old one stays beside the new one, since what was refused or
    /// lost before is sent again with the signature of its day. Blanks around a secret don't count, empty lines neither.
    ///
    /// # Errors
    /// When there is none or more than two, when one is shorter than `least` bytes, or when the text is JSON, PEM or has comments:
    /// then its lines would be keys that anybody could guess. `name` is where it was read.
    pub fn read(name: &'static str, text: &str, least: usize) -> Result<Self, BadSecret> {
        let bad = |problem: String| BadSecret { name, problem, least };
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        if lines.is_empty() {
            return Err(bad("is empty".to_owned()));
        }
        if let Some(form) = form_of(text, &lines) {
            return Err(bad(format!("is {form}")));
        }
        if lines.len() > MOST_SECRETS {
            return Err(bad(format!("has {} lines", lines.len())));
        }
        if let Some(short) = lines.iter().position(|line| line.len() < least) {
            return Err(bad(format!(
                "has {} bytes in line {}",
                lines[short].len(),
                short + 1
            )));
        }
        // HMAC takes keys of any length, so no line is left out here.
        let keys = lines
            .iter()
            .filter_map(|line| Hmac::new_from_slice(line.as_bytes()).ok());
        Ok(Self(keys.collect()))
    }

    /// Verifies a signature over the raw body.
    ///
    /// # Errors
    /// When it is missing or no key made it.
    pub fn verify_body(
        &self,
        header: &'static str,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<(), Forged> {
        self.verify(header, signature, &[body])
    }

    /// Verifies a signature over `{timestamp}.{body}`, and the timestamp's age after it.
    ///
    /// # Errors
    /// When a header is missing, no key made the signature, or the timestamp is more than five minutes away.
    pub fn verify_timed(
        &self,
        signature: Option<&str>,
        timestamp: Option<&str>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Forged> {
        let timestamp = timestamp.ok_or(Forged::Missing("X-Makegood-Timestamp"))?;
        self.verify(
            "X-Makegood-Signature",
            signature,
            &[timestamp.as_bytes(), b".", body],
        )?;
        let seconds: i64 = timestamp.parse().map_err(|_| Forged::NoTimestamp)?;
        let is_now = |at: DateTime<Utc>| is_near(at, now);
        let signed_at = DateTime::from_timestamp(seconds, 0).ok_or(Forged::NoTimestamp)?;
        if !is_now(signed_at) {
            let in_millis = DateTime::from_timestamp_millis(seconds).is_some_and(is_now);
            Err(if in_millis { Forged::Millis } else { Forged::Stale })
        } else {
            Ok(())
        }
    }

    fn verify(&self, header: &'static str, signature: Option<&str>, parts: &[&[u8]]) -> Result<(), Forged> {
        let signature = signature.ok_or(Forged::Missing(header))?;
        self.verify_any(&[signature], parts)
    }

    /// Whether one of these signatures, in hex, is made by one of the keys.
    ///
    /// # Errors
    /// When none is.
    pub(crate) fn verify_any(&self, signatures: &[&str], parts: &[&[u8]]) -> Result<(), Forged> {
        let claimed = signatures
            .iter()
            .filter_map(|signature| hex::decode(signature.trim()).ok());
        // Every key is tried with each, so that the time tells nothing about which one was right.
        let matched = claimed.fold(false, |matched, claimed| {
            let fits = |matched, key| matched | is_made_by(key, parts, &claimed);
            self.0.iter().fold(matched, fits)
        });
        if matched { Ok(()) } else { Err(Forged::Mismatch) }
    }
}

/// Whether this is within the tolerance of now, either way.
pub(crate) fn is_near(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(at).abs() <= TimeDelta::seconds(TOLERANCE_SECONDS)
}

/// What the text is in place of secrets, if it is a form whose lines anybody knows.
fn form_of(text: &str, lines: &[&str]) -> Option<&'static str> {
    let whole = text.trim();
    let is_json =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| !value.is_number());
    if is_json(whole) || (whole.starts_with('{') && whole.ends_with('}')) {
        return Some("JSON");
    }
    if lines.iter().any(|line| line.starts_with("-----")) {
        return Some("PEM");
    }
    let is_comment = |line: &&str| ["#", "//", ";"].iter().any(|mark| line.starts_with(mark));
    lines.iter().any(is_comment).then_some("text with comments")
}

/// Constant time in the signature: `verify_slice` compares through `subtle`.
fn is_made_by(key: &Hmac<Sha256>, parts: &[&[u8]], claimed: &[u8]) -> bool {
    let mut mac = key.clone();
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(claimed).is_ok()
}

/// The signature that these keys' first secret makes of these bytes, in hex: what a sender puts in the header.
#[must_use]
pub fn sign(secret: &str, parts: &[&[u8]]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    parts.iter().for_each(|part| mac.update(part));
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret";

    fn keys(text: &str) -> Keys {
        Keys::read("SECRET", text, 1).unwrap()
    }

    #[test]
    fn signature_is_the_published_hmac_of_the_raw_bytes() {
        // RFC 4231, test case 2.
        let signature = sign("Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            signature,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            keys("Jefe").verify_body("H", Some(&signature), b"what do ya want for nothing?"),
            Ok(())
        );
    }

    #[test]
    fn one_changed_byte_or_another_secret_is_refused() {
        let signature = sign(SECRET, &[b"{\"amount\":1}"]);
        assert_eq!(
            keys(SECRET).verify_body("H", Some(&signature), b"{\"amount\":2}"),
            Err(Forged::Mismatch)
        );
        assert_eq!(
            keys("other").verify_body("H", Some(&signature), b"{\"amount\":1}"),
            Err(Forged::Mismatch)
        );
        for shortened in ["", "00", &signature[..62], "not hex"] {
            assert_eq!(
                keys(SECRET).verify_body("H", Some(shortened), b"{\"amount\":1}"),
                Err(Forged::Mismatch)
            );
        }
        assert_eq!(
            keys(SECRET).verify_body("H", None, b"{}"),
            Err(Forged::Missing("H"))
        );
    }

    #[test]
    fn the_old_secret_still_verifies_while_a_rotation_lasts() {
        let signature = sign("old", &[b"{}"]);
        assert_eq!(
            keys("new\nold\n").verify_body("H", Some(&signature), b"{}"),
            Ok(())
        );
        assert_eq!(
            keys("new").verify_body("H", Some(&signature), b"{}"),
            Err(Forged::Mismatch)
        );
    }

    #[test]
    fn a_confirmation_is_believed_for_five_minutes_either_way_and_no_longer() {
        let now = DateTime::from_timestamp(1_767_817_344, 0).unwrap();
        for (offset, expected) in [
            (0, Ok(())),
            (-300, Ok(())),
            (300, Ok(())),
            (-301, Err(Forged::Stale)),
            (301, Err(Forged::Stale)),
        ] {
            let timestamp = (now.timestamp() + offset).to_string();
            let signature = sign(SECRET, &[timestamp.as_bytes(), b".", b"{}"]);
            let verified = keys(SECRET).verify_timed(Some(&signature), Some(&timestamp), b"{}", now);
            assert_eq!(verified, expected, "{offset} s");
        }
    }

    #[test]
    fn the_timestamp_is_part_of_what_is_signed() {
        let now = DateTime::from_timestamp(1_767_817_344, 0).unwrap();
        let old = (now.timestamp() - 900).to_string();
        let signature = sign(SECRET, &[old.as_bytes(), b".", b"{}"]);
        let refreshed = now.timestamp().to_string();
        assert_eq!(
            keys(SECRET).verify_timed(Some(&signature), Some(&refreshed), b"{}", now),
            Err(Forged::Mismatch)
        );
        let odd = sign(SECRET, &[b"soon", b".", b"{}"]);
        assert_eq!(
            keys(SECRET).verify_timed(Some(&odd), Some("soon"), b"{}", now),
            Err(Forged::NoTimestamp)
        );
    }

    #[test]
    fn a_timestamp_in_milliseconds_is_called_that() {
        let now = DateTime::from_timestamp(1_767_817_344, 0).unwrap();
        let millis = now.timestamp_millis().to_string();
        let signature = sign(SECRET, &[millis.as_bytes(), b".", b"{}"]);
        let verified = keys(SECRET).verify_timed(Some(&signature), Some(&millis), b"{}", now);
        assert_eq!(verified, Err(Forged::Millis));
    }

    fn refusal(text: &str) -> String {
        Keys::read("SECRET", text, OWN_SECRET_BYTES)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_no_secret_does_not_start() {
        const LONG: &str = "0123456789abcdef0123456789abcdef";
        for (text, problem) in [
            (" \n".to_owned(), "is empty"),
            ("x".to_owned(), "has 1 bytes in line 1"),
            (LONG[1..].to_owned(), "has 31 bytes in line 1"),
            (format!("{LONG}\nold"), "has 3 bytes in line 2"),
            (format!("{LONG}\n{LONG}\n{LONG}"), "has 3 lines"),
            (format!("{{\n  \"secret\": \"{LONG}\"\n}}"), "is JSON"),
            (format!("\"{LONG}\""), "is JSON"),
            (format!("[\"{LONG}\"]"), "is JSON"),
            (format!("{{ {LONG}: broken }}"), "is JSON"),
            (
                format!("-----BEGIN KEY-----\n{LONG}\n-----END KEY-----"),
                "is PEM",
            ),
            (
                format!("# made in spring, for the payment service\n{LONG}"),
                "is text with comments",
            ),
        ] {
            let told = refusal(&text);
            assert!(
                told.starts_with(&format!("SECRET {problem};")),
                "{text:?}: {told}"
            );
            assert!(!told.contains(LONG), "{told}");
        }
    }

    #[test]
    fn one_or_two_secrets_of_enough_bytes_start_whatever_they_are_made_of() {
        for text in [
            "0123456789abcdef0123456789abcdef",
            "01234567890123456789012345678901",
            "  Zm9yIHRoZSBwYXltZW50IHNlcnZpY2U+/w==\r\n{not-json-{not-json-{not-json-{not-\n",
        ] {
            assert!(Keys::read("SECRET", text, OWN_SECRET_BYTES).is_ok(), "{text:?}");
        }
    }
}
