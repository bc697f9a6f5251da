//! The operator on call, who looks at the console throughout.

use super::Outside;
use crate::environments::Request;
use makegood_local::identity::{Issuer, Who};
use std::time::Duration;

/// What the console signs its forms with here.
pub const CONSOLE_SECRET: &str = "console-secret-of-the-chaos-run-alone";
const PAGES: [&str; 7] = [
    "/admin/health",
    "/admin/doctor",
    "/admin/jobs",
    "/admin/dead-letters",
    "/admin/cases",
    "/admin/sweeps",
    "/admin/audit",
];
const PAUSE: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens one page of the console after the other until the run is over.
pub async fn read_console(outside: &Outside, issuer: &Issuer) {
    for page in PAGES.iter().cycle() {
        if !outside.goes_on_for(PAUSE).await {
            return;
        }
        let request = Request {
            method: "GET",
            path: page,
            headers: vec![("host", "api.example.com".to_owned())],
            cookies: vec![format!("__Host-makegood={}", issuer.token(Who::Operator))],
            ..Request::default()
        };
        if let Some(answer) = outside.admin.call(&request, PATIENCE).await {
            outside.ledger.note_answer("admin", answer.status);
        }
    }
}
