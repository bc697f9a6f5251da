//! What an edit was made of.

use sha2::{Digest, Sha256};

/// The state of a dead letter that an edit was made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Replaced(pub(super) String);

impl Replaced {
    /// Of the body as it is kept, and of the time for which it would be sent.
    pub(super) fn of(original: Option<&str>, generation: i32) -> Self {
        let digest = hex::encode(Sha256::digest(original.unwrap_or_default()));
        Self(format!("{generation}:{}:{digest}", original.is_some()))
    }
}
