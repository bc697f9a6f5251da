//! The callback that eSewa sends through the buyer's browser: believed only with eSewa's signature, and only as a hint.

use super::signature::SigningKey;
use crate::gateway::amount::{AmountError, paisa_of_rupees};
use crate::gateway::fields::Fields;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// No callback is longer; more would only be work for us.
const LONGEST_DATA: usize = 8_192;
/// What a callback's signature must cover. The form's own signature, which every buyer sees, covers neither the status nor
/// the list of names: posted back as a callback it must not pass.
const MUST_BE_SIGNED: [&str; 5] = [
    "status",
    "total_amount",
    "transaction_uuid",
    "product_code",
    "signed_field_names",
];
/// As browsers and pages hand it on: with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What eSewa's signed callback says.
///
/// ```
/// use makegood::gateway::{AskedPayment, EsewaCallback};
///
/// let callback = EsewaCallback {
///     transaction_uuid: "pi-esewa-1767817344753-0a1b2c3d".to_owned(),
///     amount_minor: 100_050, // `1,000.5` or `1000.50` on the wire
///     status: "COMPLETE".to_owned(),
///     transaction_code: Some("000AWEO".to_owned()),
/// };
/// // It only says which payment to ask for.
/// let asked = AskedPayment { external_transaction_id: &callback.transaction_uuid, amount_minor: callback.amount_minor };
/// assert_eq!(asked.amount_minor, 100_050);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EsewaCallback {
    /// Which payment.
    pub transaction_uuid: String,
    /// How much, in paisa.
    pub amount_minor: i64,
    /// eSewa's word, such as `COMPLETE`.
    pub status: String,
    /// eSewa's own number of the payment.
    pub transaction_code: Option<String>,
}

/// Why a callback is not believed.
///
/// ```
/// use makegood::gateway::ForgedCallback;
///
/// let forged = ForgedCallback::NotSigned("status");
/// assert_eq!(forged.to_string(), "`data` must hold and sign status; send it as it came from eSewa");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgedCallback {
    /// It is not base64 of a JSON object.
    #[error("`data` can't be read: {0}; send it as it came from eSewa")]
    Unreadable(String),
    /// A field is not there, or its signature does not cover it.
    #[error("`data` must hold and sign {0}; send it as it came from eSewa")]
    NotSigned(&'static str),
    /// It is about another merchant's payment.
    #[error("`data` is for another merchant; check ESEWA_PRODUCT_CODE")]
    AnotherMerchant,
    /// eSewa did not sign it.
    #[error("the signature in `data` is not eSewa's; check ESEWA_SECRET if it came from eSewa")]
    Mismatch,
    /// It is signed, and its amount is none.
    #[error("total_amount in `data`: {0}")]
    Amount(#[from] AmountError),
}

impl ForgedCallback {
    /// A stable code for the caller.
    ///
    /// ```
    /// use makegood::gateway::ForgedCallback;
    ///
    /// assert_eq!(ForgedCallback::Mismatch.code(), "invalid_signature");
    /// assert_eq!(ForgedCallback::AnotherMerchant.code(), ForgedCallback::Mismatch.code());
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable_callback",
            Self::NotSigned(_) | Self::AnotherMerchant | Self::Mismatch => "invalid_signature",
            Self::Amount(_) => "unreadable_amount",
        }
    }
}

pub(super) fn read(
    key: &SigningKey,
    product_code: &str,
    data: &str,
) -> Result<EsewaCallback, ForgedCallback> {
    let fields = Fields::parse(&decode(data)?).map_err(ForgedCallback::Unreadable)?;
    let required = |name| fields.text(name).ok_or(ForgedCallback::NotSigned(name));
    let names = required("signed_field_names")?;
    let signed: Vec<&str> = names.split(',').map(str::trim).collect();
    if let Some(name) = MUST_BE_SIGNED.into_iter().find(|name| !signed.contains(name)) {
        return Err(ForgedCallback::NotSigned(name));
    }
    let message = message(&fields, &signed);
    if !key.made(&message, &required("signature")?) {
        return Err(ForgedCallback::Mismatch);
    }
    if required("product_code")? != product_code {
        return Err(ForgedCallback::AnotherMerchant);
    }
    Ok(EsewaCallback {
        transaction_uuid: required("transaction_uuid")?,
        amount_minor: paisa_of_rupees(&required("total_amount")?)?,
        status: required("status")?,
        transaction_code: fields.text("transaction_code"),
    })
}

/// `name=value,…` in the order of the names, every value as it was written: `1000.0` stays `1000.0`.
fn message(fields: &Fields, names: &[&str]) -> String {
    let pairs = names
        .iter()
        .map(|name| format!("{name}={}", fields.text(name).unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(",")
}

/// A `+` that was not escaped in the address arrives as a space.
fn decode(data: &str) -> Result<Vec<u8>, ForgedCallback> {
    if data.len() > LONGEST_DATA {
        return Err(ForgedCallback::Unreadable(format!(
            "it is longer than {LONGEST_DATA} characters"
        )));
    }
    let base64: String = data
        .trim()
        .chars()
        .filter(|character| !matches!(character, '\r' | '\n'))
        .map(|character| match character {
            ' ' | '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    LENIENT
        .decode(base64)
        .map_err(|error| ForgedCallback::Unreadable(format!("it is no base64: {error}")))
}
