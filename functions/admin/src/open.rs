//! The routes that need no login: the login itself, its end, and the files that every page shows. A function of their own answers them, so
//! that strangers who ask them take no environment of the pages; the console answers them as well, where it stands alone.

use crate::access::{self, Denied, LoginError, token_of};
use crate::context::OpenRoutes;
use crate::http::{Answer, CookieNames, Request, clear_cookie, fits, set_cookie};
use crate::refusal::refuse;
use crate::{NAME, page};
use makegood::db::describe;
use std::time::Duration;

/// The answer to one request; none when it is for who is logged in.
pub(crate) async fn answer(open: &OpenRoutes, request: &Request, segments: &[&str]) -> Option<Answer> {
    Some(match (request.method.as_str(), segments) {
        // The bare address goes through the login, which passes on at once whoever has a token.
        ("GET", []) => Answer::see_other("/admin/login"),
        ("GET", ["login"]) => begin_login(open, request).await,
        ("GET", ["callback"]) => finish_login(open, request).await,
        ("POST", ["logout"]) => log_out(open, request).await,
        ("GET", ["assets", name]) => page::asset::answer(name).unwrap_or_else(page::problem::not_found),
        _ => return None,
    })
}

async fn begin_login(open: &OpenRoutes, request: &Request) -> Answer {
    let names = CookieNames::of(&request.origin());
    let next = request.query.text("next");
    if open.verifier.operator(token_of(request, &names)).await.is_ok() {
        return Answer::see_other(access::local_address(next));
    }
    match open
        .login
        .begin(&open.verifier, &request.origin(), next, open.clock.now())
        .await
    {
        Ok(begun) => {
            let cookie = set_cookie(&names, names.login, &begun.memory, access::LOGIN_LASTS);
            Answer::see_other(&begun.address).with_cookie(cookie)
        }
        Err(error) => refuse(request, &Denied::Issuer(error)),
    }
}

async fn finish_login(open: &OpenRoutes, request: &Request) -> Answer {
    let names = CookieNames::of(&request.origin());
    let memory = request.cookie(names.login);
    let finished = open
        .login
        .finish(
            &open.database,
            &open.verifier,
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
            let lasts = (logged_in.operator.expires_at - open.clock.now())
                .to_std()
                .unwrap_or(Duration::ZERO);
            let cookie = set_cookie(&names, names.session, &logged_in.token, lasts);
            let returning = access::returning(&open.seal, open.clock.now());
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

/// Forgets the token here, and ends it wherever it was copied to.
async fn log_out(open: &OpenRoutes, request: &Request) -> Answer {
    if access::check_origin(request).is_err() {
        return page::problem::not_found();
    }
    let names = CookieNames::of(&request.origin());
    if let Ok(operator) = open.verifier.operator(token_of(request, &names)).await
        && let Err(error) = access::end_login(&open.database, &operator, open.clock.now()).await
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
