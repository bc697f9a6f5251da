//! Who may come in. The gateway's authorizer asks first, and every page and every change asks again: a mistake in the
//! template alone opens nothing.

mod authorizer;
mod csrf;
mod issuer;
mod login;
mod logout;
mod returning;
mod seal;
mod token;

pub use csrf::{Csrf, ForgedForm};
pub use issuer::{Issuer, IssuerError};
pub use login::{LoginError, LoginFlow};
pub use seal::{Seal, WeakSecret};
pub use token::{Denied, Operator, Verifier};

pub(crate) use authorizer::authorize;
pub(crate) use csrf::{FIELD as CSRF_FIELD, check as check_form, check_origin, is_of_our_page};
pub(crate) use login::{LASTS as LOGIN_LASTS, local_address};
pub(crate) use logout::{end as end_login, has_ended};
pub(crate) use returning::{LASTS as RETURNING_LASTS, close as returning, is_returning};

use crate::http::{CookieNames, Request};

/// The token that came with a request: from the header, else from our cookie.
#[must_use]
pub fn token_of<'a>(request: &'a Request, names: &CookieNames) -> Option<&'a str> {
    let header = request
        .header("authorization")
        .and_then(|value| value.split_once(' '));
    let bearer = header
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    bearer
        .or_else(|| request.cookie(names.session))
        .filter(|token| !token.is_empty())
}
