//! Added to the scratch copy of the workspace, and to nothing else: which mutant is on.

use std::sync::OnceLock;

static ON: OnceLock<Option<String>> = OnceLock::new();

/// Whether this mutant is on: `MAKEGOOD_MUTANT` names it. Read once.
#[must_use]
pub fn on(id: &str) -> bool {
    ON.get_or_init(|| std::env::var("MAKEGOOD_MUTANT").ok()).as_deref() == Some(id)
}
