//! Cookies: `__Host-` ones over TLS, which no other site or subdomain can set; plain ones on the loopback, where not
//! every browser takes a `Secure` cookie without TLS.

use std::time::Duration;

/// What our cookies are called on this origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieNames {
    /// Holds the id token.
    pub session: &'static str,
    /// Holds the login that is under way.
    pub login: &'static str,
    /// Holds what the next page says once.
    pub said: &'static str,
    /// Says that an operator logged in here lately.
    pub returning: &'static str,
    secure: bool,
}

impl CookieNames {
    /// The names for an origin such as `https://shop.example`.
    #[must_use]
    pub fn of(origin: &str) -> Self {
        if origin.starts_with("https://") {
            Self {
                session: "__Host-makegood",
                login: "__Host-makegood-login",
                said: "__Host-makegood-said",
                returning: "__Host-makegood-returning",
                secure: true,
            }
        } else {
            Self {
                session: "makegood",
                login: "makegood-login",
                said: "makegood-said",
                returning: "makegood-returning",
                secure: false,
            }
        }
    }
}

/// What every browser keeps of a cookie's name and value together; a larger one it drops without a word.
pub const LARGEST_COOKIE: usize = 4_096;

/// Whether a browser keeps this cookie.
#[must_use]
pub fn fits(name: &str, value: &str) -> bool {
    name.len() + value.len() <= LARGEST_COOKIE
}

/// The header that sets a cookie. No script reads it, and no other site's form or frame sends it.
#[must_use]
pub fn set_cookie(names: &CookieNames, name: &str, value: &str, lasts: Duration) -> String {
    let secure = if names.secure { "; Secure" } else { "" };
    format!(
        "{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        lasts.as_secs()
    )
}

/// The header that removes it.
#[must_use]
pub fn clear_cookie(names: &CookieNames, name: &str) -> String {
    set_cookie(names, name, "", Duration::ZERO)
}
