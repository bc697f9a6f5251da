//! What a visitor who is not let in is told.

use crate::access::{self, Denied};
use crate::http::{Answer, Form, Request};
use crate::{NAME, page};

const FORM: &str = "application/x-www-form-urlencoded";

/// Whether a browser's form came.
pub(crate) fn is_form(request: &Request) -> bool {
    let kind = request.header("content-type");
    kind.is_some_and(|kind| kind.starts_with(FORM))
}

/// What was typed in a page of ours whose login has ended meanwhile.
fn typed(request: &Request, denied: &Denied) -> Option<Form> {
    let is_over = matches!(denied, Denied::NoToken | Denied::Expired);
    let is_ours = request.method == "POST" && is_form(request) && access::is_of_our_page(request);
    let body = request.body.as_deref().filter(|_| is_over && is_ours)?;
    Some(Form::parse(body)).filter(|form| form.raw(access::CSRF_FIELD).is_some())
}

/// What who is not let in is told, and the log. What was typed is kept.
pub(crate) fn refuse(request: &Request, denied: &Denied) -> Answer {
    match denied {
        Denied::NoToken | Denied::Expired | Denied::LoggedOut => {}
        Denied::Invalid(why) => tracing::warn!(function = NAME, why, "a login is refused"),
        Denied::NotOperator { .. } => {
            tracing::warn!(function = NAME, "a user without the group is refused")
        }
        Denied::Issuer(error) => tracing::error!(function = NAME, %error, "no operator can log in"),
    }
    match typed(request, denied) {
        Some(form) => page::problem::login_ended(request, &form),
        None => page::problem::denied(request, denied),
    }
}
