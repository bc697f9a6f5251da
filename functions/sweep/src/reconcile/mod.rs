//! The `reconcile` sweep: compares what is paid with what is there and announces again what got lost. Each pipeline is a
//! module of its own.

mod course;

pub use course::CourseReconciliation;

use crate::handler::Sweep;
use makegood::delivery::Deadline;
use serde::Serialize;

/// What a run did, by pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// The course pipeline.
    pub course: CourseReconciliation,
}

pub(crate) async fn run(sweep: &Sweep, deadline: Deadline) -> Result<Reconciliation, sqlx::Error> {
    Ok(Reconciliation {
        course: course::reconcile(sweep, deadline).await?,
    })
}
