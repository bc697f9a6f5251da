//! What the stage calls itself in what it writes.

/// `source` of the events and the cases of recorded payments, whichever function recorded them.
pub const SOURCE: &str = "receive-payment";
