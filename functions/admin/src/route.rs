//! From an address to its page or change. What needs no login is named first; everything else is behind it.

use crate::access::{self, Denied, ForgedForm, LoginError, token_of};
use crate::http::{Answer, CookieNames, Form, Request, clear_cookie, fits, set_cookie};
use crate::visit::{Fault, Visit};
use crate::{Admin, NAME, act, page};
use makegood::db::{classify, describe};
use makegood::delivery::Deadline;
use std::time::Duration;

const FORM: &str = "application/x-www-form-urlencoded";

/// The answer to one request; never fails.
pub async fn answer(admin: &Admin, request: &Request, deadline: Deadline) -> Answer {
    let Some(segments) = request.segments() else {
        return page::problem::not_found();
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), segments.as_slice()) {
        // The bare address goes through the login, which passes on at once whoever has a token.
        ("GET", []) => Answer::see_other("/admin/login"),
        ("GET", ["login"]) => begin_login(admin, request).await,
        ("GET", ["callback"]) => finish_login(admin, request).await,
        ("POST", ["logout"]) => log_out(admin, request).await,
        ("GET", ["assets", name]) => page::asset::answer(name).unwrap_or_else(page::problem::not_found),
        (_, segments) => known(admin, request, segments, deadline).await,
    }
}

/// For operators only.
async fn known(admin: &Admin, request: &Request, segments: &[&str], deadline: Deadline) -> Answer {
    let names = CookieNames::of(&request.origin());
    let operator = match admin.verifier.operator(token_of(request, &names)).await {
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

fn is_form(request: &Request) -> bool {
    let kind = request.header("content-type");
    kind.is_some_and(|kind| kind.starts_with(FORM))
}

/// What somebody typed in a page of ours whose login has ended meanwhile.
fn typed(request: &Request, denied: &Denied) -> Option<Form> {
    let is_over = matches!(denied, Denied::NoToken | Denied::Expired);
    let is_ours = request.method == "POST" && is_form(request) && access::is_of_our_page(request);
    let body = request.body.as_deref().filter(|_| is_over && is_ours)?;
    Some(Form::parse(body)).filter(|form| form.raw(access::CSRF_FIELD).is_some())
}

fn refuse(request: &Request, denied: &Denied) -> Answer {
    match denied {
        Denied::NoToken | Denied::Expired | Denied::LoggedOut => {}
        Denied::Invalid(why) => tracing::warn!(function = NAME, why, "a login is refused"),
        Denied::NotOperator { .. } => {
            tracing::warn!(function = NAME, "somebody without the group is refused")
        }
        Denied::Issuer(error) => tracing::error!(function = NAME, %error, "nobody can log in"),
    }
    match typed(request, denied) {
        Some(form) => page::problem::login_ended(request, &form),
        None => page::problem::denied(request, denied),
    }
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

async fn begin_login(admin: &Admin, request: &Request) -> Answer {
    let names = CookieNames::of(&request.origin());
    let next = request.query.text("next");
    if admin.verifier.operator(token_of(request, &names)).await.is_ok() {
        return Answer::see_other(access::local_address(next));
    }
    match admin
        .login
        .begin(&admin.verifier, &request.origin(), next, admin.clock.now())
        .await
    {
        Ok(begun) => {
            let cookie = set_cookie(&names, names.login, &begun.memory, access::LOGIN_LASTS);
            Answer::see_other(&begun.address).with_cookie(cookie)
        }
        Err(error) => refuse(request, &Denied::Issuer(error)),
    }
}

async fn finish_login(admin: &Admin, request: &Request) -> Answer {
    let names = CookieNames::of(&request.origin());
    let memory = request.cookie(names.login);
    let finished = admin
        .login
        .finish(
            &admin.database,
            &admin.verifier,
            &request.origin(),
            &request.query,
            memory,
        )
        .await
        .and_then(|logged_in| {
            if fits(names.session, &logged_in.token) {
                Ok(logged_in)
            } else {
                Err(LoginError::TokenTooLarge(logged_in.token.len()))
            }
        });
    let answer = match finished {
        Ok(logged_in) => {
            let lasts = (logged_in.operator.expires_at - admin.clock.now())
                .to_std()
                .unwrap_or(Duration::ZERO);
            let cookie = set_cookie(&names, names.session, &logged_in.token, lasts);
            let returning = access::returning(&admin.seal, admin.clock.now());
            let returning = set_cookie(&names, names.returning, &returning, access::RETURNING_LASTS);
            Answer::see_other(&logged_in.next)
                .with_cookie(cookie)
                .with_cookie(returning)
        }
        Err(error) => {
            tracing::warn!(function = NAME, %error, "a login came to nothing");
            page::problem::login_failed(&error)
        }
    };
    answer.with_cookie(clear_cookie(&names, names.login))
}

/// Forgets the token here, and ends it wherever somebody copied it.
async fn log_out(admin: &Admin, request: &Request) -> Answer {
    if access::check_origin(request).is_err() {
        return page::problem::not_found();
    }
    let names = CookieNames::of(&request.origin());
    if let Ok(operator) = admin.verifier.operator(token_of(request, &names)).await
        && let Err(error) = access::end_login(&admin.database, &operator, admin.clock.now()).await
    {
        tracing::error!(
            function = NAME,
            error = describe(&error),
            "a logout was not kept; a copy of the token is good until it ends"
        );
    }
    page::problem::logged_out()
        .with_cookie(clear_cookie(&names, names.session))
        .with_cookie(clear_cookie(&names, names.returning))
}
