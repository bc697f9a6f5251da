//! What a client asks: which payment, from eSewa's signed callback, or by the name that its gateway knows it by.

use makegood::gateway::{Esewa, ForgedCallback, Provider};
use makegood::verification::Payment;
use serde_json::{Map, Value};

/// The longest body that is read, in bytes; eSewa's callback has about five hundred.
pub const LONGEST_BODY: usize = 16_384;
/// No gateway's own name for a payment is longer.
const LONGEST_ID: usize = 200;

/// Why a question can't be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQuestion {
    /// The body as a whole.
    #[error("the body must be a JSON object")]
    Unreadable,
    /// A field that is missing, or something else.
    #[error("{field} must be {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// eSewa's callback is not believed.
    #[error(transparent)]
    Forged(#[from] ForgedCallback),
}

impl BadQuestion {
    /// A stable code for the caller.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable | Self::Field { .. } => "invalid_request",
            Self::Forged(forged) => forged.code(),
        }
    }

    /// The field to fix, if it is one.
    #[must_use]
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable => None,
            Self::Field { field, .. } => Some(field),
            Self::Forged(_) => Some("data"),
        }
    }
}

/// Reads the body. A callback is believed only with eSewa's signature, and even then only which payment it names.
pub(crate) async fn read(body: &[u8], esewa: &Esewa) -> Result<Payment, BadQuestion> {
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        return Err(BadQuestion::Unreadable);
    };
    let provider = provider(&body)?;
    let external_transaction_id = match (provider, body.get("data")) {
        (Provider::Esewa, Some(Value::String(data))) => {
            esewa.read_callback_of_now(data).await?.transaction_uuid
        }
        (Provider::Esewa, Some(data)) if !data.is_null() => {
            return Err(wrong("data", "the text that eSewa put into the address"));
        }
        (Provider::Esewa, _) => id(&body, "transaction_uuid")?,
        (Provider::Khalti, _) => id(&body, "pidx")?,
    };
    Ok(Payment {
        provider,
        external_transaction_id,
    })
}

fn provider(body: &Map<String, Value>) -> Result<Provider, BadQuestion> {
    let name = body.get("provider").and_then(Value::as_str);
    name.and_then(|name| name.parse().ok())
        .ok_or_else(|| wrong("provider", "\"esewa\" or \"khalti\""))
}

fn id(body: &Map<String, Value>, field: &'static str) -> Result<String, BadQuestion> {
    let id = body.get(field).and_then(Value::as_str).map(str::trim);
    id.filter(|id| !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(str::to_owned)
        .ok_or_else(|| wrong(field, "the payment's name at the gateway"))
}

const fn wrong(field: &'static str, expected: &'static str) -> BadQuestion {
    BadQuestion::Field { field, expected }
}
