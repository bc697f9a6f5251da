//! Forms that only our own pages can have sent: each carries a signature over the session it was shown in, and the browser
//! itself says where it comes from.

use super::{Operator, Seal};
use crate::http::{Form, Request};

/// The field of every form.
pub const FIELD: &str = "csrf";
const PURPOSE: &str = "csrf";

/// Why a form is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForgedForm {
    /// The browser says that another site sent it.
    #[error("it was sent from another site")]
    ForeignOrigin,
    /// Its token is missing, or is of another session.
    #[error("it was not made by a page of this session")]
    NoToken,
}

/// The token of one session's forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csrf(String);

impl Csrf {
    /// That of this operator's session.
    #[must_use]
    pub fn of(seal: &Seal, operator: &Operator) -> Self {
        Self(seal.sign(PURPOSE, &operator.session))
    }

    /// As a form carries it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether this request was sent by a page of ours, as far as the browser says. One that says nothing is told by its token.
///
/// # Errors
/// When another site sent it.
pub fn check_origin(request: &Request) -> Result<(), ForgedForm> {
    let foreign_site = request
        .header("sec-fetch-site")
        .is_some_and(|site| site != "same-origin");
    let foreign_origin = request
        .header("origin")
        .is_some_and(|origin| origin != request.origin());
    if foreign_site || foreign_origin {
        Err(ForgedForm::ForeignOrigin)
    } else {
        Ok(())
    }
}

/// Whether the browser itself says that a page of ours sent this, which no other site can make it say.
pub fn is_of_our_page(request: &Request) -> bool {
    request.header("origin") == Some(request.origin().as_str()) && check_origin(request).is_ok()
}

/// Whether this form was made by a page of this operator's session.
///
/// # Errors
/// When it was not.
pub fn check(seal: &Seal, operator: &Operator, request: &Request, form: &Form) -> Result<(), ForgedForm> {
    check_origin(request)?;
    let token = form.raw(FIELD).unwrap_or_default();
    if seal.is_signature(PURPOSE, &operator.session, token) {
        Ok(())
    } else {
        Err(ForgedForm::NoToken)
    }
}
