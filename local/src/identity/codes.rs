//! The logins under way: a code that was given out is worth one token, once, to whoever asked for it, for a minute.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

const LASTS: TimeDelta = TimeDelta::minutes(1);

/// What a code was given out for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Codes {
    open: Mutex<HashMap<String, (Grant, DateTime<Utc>)>>,
}

impl Codes {
    /// A new code.
    pub(super) fn give(&self, grant: Grant, now: DateTime<Utc>) -> String {
        let code = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, (_, given)| now - *given < LASTS);
        open.insert(code.clone(), (grant, now));
        code
    }

    /// Takes the code back, whatever comes of it, and gives the grant to who asked for it and can prove it (RFC 7636).
    pub(super) fn take(
        &self,
        code: &str,
        (client_id, redirect_uri): (&str, &str),
        verifier: &str,
        now: DateTime<Utc>,
    ) -> Option<Grant> {
        let taken = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(code);
        let (grant, given) = taken?;
        let proven = challenge_of(verifier) == grant.challenge;
        let same = grant.client_id == client_id && grant.redirect_uri == redirect_uri;
        (proven && same && now - given < LASTS).then_some(grant)
    }
}

/// `S256` of RFC 7636.
pub(super) fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn grant() -> Grant {
        Grant {
            client_id: "console".to_owned(),
            redirect_uri: "http://127.0.0.1/back".to_owned(),
            challenge: CHALLENGE.to_owned(),
            nonce: None,
        }
    }

    #[test]
    fn a_code_is_worth_one_token() {
        let (codes, now) = (Codes::default(), DateTime::<Utc>::UNIX_EPOCH);
        let code = codes.give(grant(), now);
        let place = ("console", "http://127.0.0.1/back");
        assert_eq!(codes.take(&code, place, VERIFIER, now), Some(grant()));
        assert_eq!(codes.take(&code, place, VERIFIER, now), None);
    }

    #[test]
    fn a_code_is_worth_nothing_to_others_or_later() {
        let (codes, now) = (Codes::default(), DateTime::<Utc>::UNIX_EPOCH);
        let place = ("console", "http://127.0.0.1/back");
        for (place, verifier, later) in [
            (("other", place.1), VERIFIER, 0),
            (("console", "http://127.0.0.1/elsewhere"), VERIFIER, 0),
            (place, "not the verifier", 0),
            (place, VERIFIER, 60),
        ] {
            let code = codes.give(grant(), now);
            let then = now + TimeDelta::seconds(later);
            assert_eq!(codes.take(&code, place, verifier, then), None, "{place:?}");
        }
    }
}
