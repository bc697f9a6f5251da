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

/// What a run did, by pipeline; nothing of one that is not in this stack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// The course pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub course: Option<CourseReconciliation>,
    /// The order pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderReconciliation>,
}

/// Both at once, since a gateway's slowness must not keep the other pipeline waiting; neither's failure stops the other.
pub(crate) async fn run(sweep: &Sweep, deadline: Deadline) -> Result<Reconciliation, sqlx::Error> {
    let courses = async {
        match sweep.pipelines.has_course() {
            true => course::reconcile(sweep, deadline).await.map(Some),
            false => Ok(None),
        }
    };
    let orders = async {
        match sweep.pipelines.has_shop() {
            true => order::reconcile(sweep, deadline).await.map(Some),
            false => Ok(None),
        }
    };
    let (course, order) = tokio::join!(courses, orders);
    Ok(Reconciliation {
        course: course?,
        order: order?,
    })
}
