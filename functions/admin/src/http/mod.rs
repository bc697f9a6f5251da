//! HTTP as an HTTP API hands it over and takes it back (payload 2.0).

mod answer;
mod asked;
mod cookie;
mod form;
mod request;

pub use answer::Answer;
pub use asked::{Asked, Wrong};
pub use cookie::{CookieNames, LARGEST_COOKIE, clear_cookie, fits, set_cookie};
pub use form::Form;
pub use request::{Request, RequestError};
