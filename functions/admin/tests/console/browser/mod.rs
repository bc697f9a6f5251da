//! The console in a real browser, over the very binary that goes to AWS, with the gateway's authorizer before it.
//! Screenshots are kept in `.local/screenshots`.

mod chromium;
mod crowd;
mod front;
mod keyboard;
mod narrow;
mod night;
mod pictures;
mod scene;
