//! Stripe's header `Stripe-Signature: t=…,v1=…[,v1=…]`: HMAC-SHA256 in hex over `{t}.{body}` with the endpoint's secret as it is, `whsec_…`.
//! While a secret is rolled at Stripe there is a `v1` for each; other schemes, such as `v0` of test events, prove nothing.

use crate::signature::{Forged, Keys, is_near};
use chrono::{DateTime, Utc};
use makegood::payment::stripe::SIGNATURE_HEADER;

/// Verifies the header, and the age of its time after it. Stripe's own libraries refuse what is older than five minutes; here a time that
/// is as far ahead is refused too, as in a confirmation: Stripe signs each attempt anew, so only a clock that is off shows it.
///
/// # Errors
/// When the header is missing or has no time or no `v1`, no key made one of them, or the time is more than five minutes away.
pub(crate) fn verify(
    keys: &Keys,
    header: Option<&str>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Forged> {
    let header = header.ok_or(Forged::Missing(SIGNATURE_HEADER))?;
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let signatures: Vec<&str> = parts()
        .filter_map(|(scheme, value)| (scheme == "v1").then_some(value))
        .collect();
    let time = parts().find_map(|(scheme, value)| (scheme == "t").then_some(value));
    let time = time.filter(|_| !signatures.is_empty()).ok_or(Forged::NoScheme)?;
    keys.verify_any(&signatures, &[time.as_bytes(), b".", body])?;
    let signed_at = time
        .parse()
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let signed_at = signed_at.ok_or(Forged::NoScheme)?;
    if is_near(signed_at, now) {
        Ok(())
    } else {
        Err(Forged::StaleEvent)
    }
}
