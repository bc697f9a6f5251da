//! What the payloads of all job types have in common.

use serde_json::Value;

/// The intent that the job is about; none when the payload does not say.
pub(crate) fn intent_id(payload: &Value) -> Option<&str> {
    payload
        .get("payment_intent_id")
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty())
}
