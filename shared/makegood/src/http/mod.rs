//! HTTP as an HTTP API of API Gateway hands it over and takes it back (payload 2.0): what is the same in every function
//! that answers a browser or a webhook.

mod answer;
mod client;
mod request;

pub use answer::Answer;
pub use request::{Request, RequestError};
