//! What this function calls itself in what it writes.

/// `source` of what this function publishes.
pub(crate) const SOURCE: &str = "receive-payment";
