//! What becomes of a record that failed.

/// What becomes of a record that failed.
///
/// ```
/// use makegood::delivery::{Disposition, Failure};
/// use makegood::event::EventError;
///
/// let failure = Failure::from(EventError::Empty);
/// assert_eq!(failure.disposition, Disposition::Park, "an empty body stays empty");
/// let failure = Failure::from(sqlx::Error::PoolTimedOut);
/// assert_eq!(failure.disposition, Disposition::Retry);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Deliver it again, until its attempts are used up.
    Retry,
    /// It will never succeed: to the dead letters, at once.
    Park,
    /// Nothing more is to be done: done, although it failed.
    Acknowledge,
}
