//! Drives the built functions with a steady stream of payments and checkouts while everything around them fails, by a plan that
//! follows from a seed, and counts from its own record what was lost, doubled, or left to a person. `make chaos` runs it.

pub mod broker;
pub mod environments;
pub mod fault;
mod faults;
pub mod goods;
pub mod heal;
pub mod ledger;
pub mod plan;
pub mod proxy;
pub mod report;
pub mod run;
pub mod sabotage;
pub mod secrets;
pub mod servers;
pub mod sweeps;
pub mod topics;
pub mod traffic;
pub mod verdict;
pub mod world;
