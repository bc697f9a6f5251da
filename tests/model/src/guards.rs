//! Which guards a model runs without.

use std::fmt::Debug;

/// The guards that were taken out of a model; none in the model of the code as it is.
#[derive(Debug, Clone)]
pub struct Without<G>(Vec<G>);

impl<G: Copy + Debug + PartialEq> Without<G> {
    /// A model without these.
    #[must_use]
    pub fn these(guards: &[G]) -> Self {
        Self(guards.to_vec())
    }

    /// The code as it is.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether the guard is there.
    #[must_use]
    pub fn has(&self, guard: G) -> bool {
        !self.0.contains(&guard)
    }
}
