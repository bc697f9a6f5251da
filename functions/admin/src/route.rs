//! From an address to its page or change. What needs no login is named first; everything else is behind it.

use crate::access::{self, Denied, ForgedForm, token_of};
use crate::http::{Answer, CookieNames, Form, Request};
use crate::open;
use crate::refusal::{is_form, refuse};
use crate::visit::{Fault, Visit};
use crate::{Admin, NAME, act, page};
use makegood::db::classify;
use makegood::delivery::Deadline;

/// The answer to one request; never fails.
pub async fn answer(admin: &Admin, request: &Request, deadline: Deadline) -> Answer {
    let Some(segments) = request.segments() else {
        return page::problem::not_found();
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match open::answer(&admin.open, request, &segments).await {
        Some(answer) => answer,
        None => known(admin, request, &segments, deadline).await,
    }
}

/// For who is let in.
async fn known(admin: &Admin, request: &Request, segments: &[&str], deadline: Deadline) -> Answer {
    let names = CookieNames::of(&request.origin());
    let operator = match admin.open.verifier.operator(token_of(request, &names)).await {
        Ok(operator) => operator,
        Err(denied) => return refuse(request, &denied),
    };
    let ended = access::has_ended(&admin.database, &operator).await;
    if matches!(ended, Ok(true)) {
        return refuse(request, &Denied::LoggedOut);
    }
    let visit = Visit::of(admin, request, operator, deadline);
    // Without the database no page shows anything of it; the runbook needs none and is wanted then.
    if let (Err(error), "POST") = (ended, request.method.as_str()) {
        return failed(&visit, &Fault::Database(error));
    }
    let answer = match request.method.as_str() {
        "GET" => page::show(&visit, segments)
            .await
            .map(|answer| visit.said_it(answer)),
        "POST" => change(&visit, segments).await,
        _ => Ok(page::problem::method_not_allowed()),
    };
    answer.unwrap_or_else(|fault| failed(&visit, &fault))
}

async fn change(visit: &Visit<'_>, segments: &[&str]) -> Result<Answer, Fault> {
    // Before anything of it is read: whatever it is, a viewer does not change it.
    if !visit.operator.may_act() {
        tracing::warn!(function = NAME, "a change by a viewer is refused");
        return Ok(page::problem::viewer(visit));
    }
    let Some(body) = &visit.request.body else {
        return Ok(page::problem::too_large(visit));
    };
    if !is_form(visit.request) {
        return Ok(page::problem::not_a_form(visit));
    }
    let form = Form::parse(body);
    if let Err(forged) = access::check_form(&visit.admin.seal, &visit.operator, visit.request, &form) {
        tracing::warn!(function = NAME, %forged, "a form is refused");
        let is_of_before = forged == ForgedForm::NoToken && access::is_of_our_page(visit.request);
        return Ok(if is_of_before && form.raw(access::CSRF_FIELD).is_some() {
            page::problem::of_another_login(visit, &form)
        } else {
            page::problem::forged(visit, forged)
        });
    }
    act::make(visit, segments, &form).await
}

fn failed(visit: &Visit<'_>, fault: &Fault) -> Answer {
    match fault {
        Fault::NotFound(what) => page::problem::nothing(visit, what),
        Fault::BadRequest(problem) => page::problem::bad_request(visit, problem),
        Fault::NotUnderstood(wrong) => page::problem::not_understood(visit, wrong),
        Fault::Database(error) => {
            let code = classify(error).code();
            tracing::error!(function = NAME, path = visit.request.path, code, %error, "a page or change failed");
            page::problem::database(visit, code)
        }
    }
}
