//! Pages that say why there is no other.

use super::frame::{Section, bare, page_with_status};
use super::parts;
use super::text::sentence;
use crate::access::{CSRF_FIELD, Denied, ForgedForm, LoginError};
use crate::http::{Answer, Form, LARGEST_COOKIE, Request, Wrong};
use crate::visit::Visit;
use maud::{Markup, html};

/// The visitor is not let in.
pub fn denied(request: &Request, denied: &Denied) -> Answer {
    let (status, title) = match denied {
        Denied::NoToken | Denied::Invalid(_) | Denied::Expired | Denied::LoggedOut => (401, "Log in"),
        Denied::NotOperator { .. } => (403, "Not for you"),
        Denied::Issuer(_) => (503, "No login is possible now"),
    };
    let next = if request.method == "GET" {
        request.address()
    } else {
        "/admin/health".to_owned()
    };
    let login = parts::address("/admin/login", &Form::default().with("next", &next));
    bare(
        status,
        title,
        &html! {
            p { (reason_of(denied)) @if request.method != "GET" { " Nothing was changed." } }
            @match denied {
                Denied::NotOperator { .. } => { p { "Ask whoever looks after the identity provider, then log in again." } }
                Denied::Issuer(_) => {
                    p { "The identity provider or the way to it is down. " code { "makegood" } " on the command line needs no login of this kind." }
                }
                _ => {}
            }
            p { a.button href=(login) { "Log in" } }
        },
    )
}

fn reason_of(denied: &Denied) -> String {
    match denied {
        // What the issuer's address answered is for the log.
        Denied::Issuer(_) => "The identity provider does not answer.".to_owned(),
        Denied::NotOperator { name, groups } => {
            format!("{name} is not in the group {groups}, which may use this console.")
        }
        other => sentence(&format!("{other}.")),
    }
}

/// A login came to nothing.
pub fn login_failed(error: &LoginError) -> Answer {
    let status = match error {
        LoginError::NotBegunHere | LoginError::Finished | LoginError::Refused(_) => 400,
        LoginError::Denied(Denied::NotOperator { .. }) => 403,
        LoginError::Denied(Denied::Issuer(_)) | LoginError::Issuer(_) => 503,
        LoginError::TokenTooLarge(_) => 502,
        LoginError::Denied(_) => 401,
    };
    let why = match error {
        LoginError::Denied(denied) => reason_of(denied),
        LoginError::Issuer(_) => "The identity provider does not answer.".to_owned(),
        LoginError::NotBegunHere => {
            "This login was not begun in this browser, or over ten minutes ago.".to_owned()
        }
        LoginError::Finished => "This login was finished before; it works once.".to_owned(),
        LoginError::TokenTooLarge(bytes) => format!(
            "The identity provider's token has {bytes} bytes, and browsers keep no cookie over {LARGEST_COOKIE}. It has to hold \
             less: fewer groups, or fewer claims."
        ),
        LoginError::Refused(why) => format!("The identity provider refused: {why}."),
    };
    bare(
        status,
        "Not logged in",
        &html! { p { (why) } p { a.button href="/admin/login" { "Try again" } } },
    )
}

/// Gone, and meant to be.
pub fn logged_out() -> Answer {
    bare(
        200,
        "Logged out",
        &html! { p { "This browser has forgotten you." } p { a.button href="/admin/login" { "Log in" } } },
    )
}

/// An address outside of the console.
pub fn not_found() -> Answer {
    bare(
        404,
        "Nothing here",
        &html! { p { "The console begins at " a href="/admin/health" { "health" } "." } },
    )
}

/// Another method than the two.
pub fn method_not_allowed() -> Answer {
    bare(
        405,
        "Not like this",
        &html! { p { "Pages are read with GET and changed with POST." } },
    )
    .allowing("GET, POST")
}

fn inside(visit: &Visit<'_>, status: u16, title: &str, text: &Markup) -> Answer {
    let body = html! { h1 { (title) } p { (text) } p { a href="/admin/health" { "Health" } } };
    page_with_status(visit, status, Section::Search, title, &body)
}

/// No such row or page.
pub fn nothing(visit: &Visit<'_>, what: &str) -> Answer {
    inside(
        visit,
        404,
        "Nothing here",
        &html! { "There is no such " (what) ". Search for its id above." },
    )
}

/// A request that makes no sense.
pub fn bad_request(visit: &Visit<'_>, problem: &str) -> Answer {
    inside(
        visit,
        400,
        "Not like this",
        &html! { (problem) " Go back and fix it." },
    )
}

/// Parameters that are not understood.
pub fn not_understood(visit: &Visit<'_>, wrong: &[Wrong]) -> Answer {
    let text = html! { "Nothing was selected, and nothing was changed." };
    let body = html! {
        h1 { "Not like this" }
        (parts::not_understood(&text, wrong))
        p { a href="/admin/health" { "Health" } }
    };
    page_with_status(visit, 400, Section::Search, "Not like this", &body)
}

/// The fields of a form that the operator typed into or chose.
fn typed(form: &Form) -> Form {
    form.with(CSRF_FIELD, "")
}

fn shown(form: &Form) -> Markup {
    html! {
        dl.facts { @for (name, value) in form.fields() { div { dt { (name) } dd { pre.typed { (value) } } } } }
    }
}

/// A change whose login ended while it was typed. Nothing was changed; what was typed stays on this page, and can be sent from it
/// after a login in another tab.
pub fn login_ended(request: &Request, form: &Form) -> Answer {
    let form = typed(form);
    bare(
        401,
        "Your login has ended",
        &html! {
            p { "Nothing was changed, and nothing that you typed is lost." }
            ol {
                li { a.button href="/admin/login" target="_blank" rel="noopener" { "Log in, in another tab" } }
                li {
                    "Come back to this tab and "
                    form.inline method="post" action=(request.path) {
                        input type="hidden" name=(CSRF_FIELD) value="ended";
                        (parts::hidden(&form))
                        button { "Go on with this" }
                    }
                }
            }
            (shown(&form))
        },
    )
}

/// A form of ours that was shown to another login than today's: after a new login, mostly. It is shown again, to be sent by whoever
/// is logged in now.
pub fn of_another_login(visit: &Visit<'_>, form: &Form) -> Answer {
    let form = typed(form);
    let body = html! {
        h1 { "Send it now?" }
        p { "You have logged in since this was typed, so nothing was changed yet. It would be done by " strong { (visit.operator.name) } "." }
        (shown(&form))
        form.change.inline method="post" action=(visit.request.path) {
            (parts::csrf(visit))
            (parts::hidden(&form))
            button { "Send it" }
        }
    };
    page_with_status(visit, 403, Section::Search, "Send it now?", &body)
}

/// A change by a person who may only look.
pub fn viewer(visit: &Visit<'_>) -> Answer {
    let group = &visit.admin.open.verifier.operator_group;
    let text = html! {
        "Nothing was changed: you may look at everything here, and changes are for the group " strong { (group) } ". "
        "Ask whoever looks after the identity provider, then log in again."
    };
    inside(visit, 403, "Not for viewers", &text)
}

/// A form that no page of ours sent.
pub fn forged(visit: &Visit<'_>, forged: ForgedForm) -> Answer {
    let text = html! { "This form was refused, and nothing was changed: " (forged) ". If you had logged in again meanwhile, load the page anew and send it once more." };
    inside(visit, 403, "Refused", &text)
}

/// A body beyond the limit.
pub fn too_large(visit: &Visit<'_>) -> Answer {
    inside(
        visit,
        413,
        "Too large",
        &html! { "A form may have 3 MiB, which holds any message that SQS takes. Nothing was changed." },
    )
}

/// A body that is no form.
pub fn not_a_form(visit: &Visit<'_>) -> Answer {
    inside(
        visit,
        415,
        "Not a form",
        &html! { "Changes are sent as forms. Nothing was changed." },
    )
}

/// The database failed.
pub fn database(visit: &Visit<'_>, code: &str) -> Answer {
    let text = html! {
        "The database did not answer as it should (" code { (code) } "; the log of this function has the whole error). "
        "If this was a change, look into the audit log whether it was made."
    };
    inside(visit, 503, "The database failed", &text)
}
