//! The `reconcile` sweep: compares what is paid with what is there, heals what is safe, and opens a case for the rest. Each
//! pipeline is a module of its own.

mod course;
mod order;
mod survey;

pub use course::CourseReconciliation;
pub use order::OrderReconciliation;
pub(crate) use survey::{bound_statements, rule};

use crate::context::Sweep;
use makegood::delivery::Deadline;
use serde::Serialize;

/// What a run did, by pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// The course pipeline.
    pub course: CourseReconciliation,
    /// The order pipeline.
    pub order: OrderReconciliation,
}

/// Both at once, since a gateway's slowness must not keep the other pipeline waiting; neither's failure stops the other.
pub(crate) async fn run(sweep: &Sweep, deadline: Deadline) -> Result<Reconciliation, sqlx::Error> {
    let (course, order) = tokio::join!(
        course::reconcile(sweep, deadline),
        order::reconcile(sweep, deadline)
    );
    Ok(Reconciliation {
        course: course?,
        order: order?,
    })
}
