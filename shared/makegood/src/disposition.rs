//! What becomes of a record that failed.

/// What becomes of a record that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Deliver it again, until its attempts are used up.
    Retry,
    /// It will never succeed: to the dead letters, at once.
    Park,
    /// Nothing more is to be done: done, although it failed.
    Acknowledge,
}
