//! Stubs and traffic for the local stack: what its outside would be, and a run that shows that it keeps its promises.

pub mod admin;
pub mod api_proxy;
mod cache;
mod course_stories;
pub mod gateway;
mod guarantees;
pub mod identity;
mod outcome;
pub mod run;
mod send;
pub mod settings;
pub mod shop;
mod stubs;
mod table;
pub mod traffic;
mod watch;

pub use stubs::{Stub, identity_of, start_all};
