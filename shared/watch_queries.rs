//! The build script of each crate that keeps queries in files: such a crate is built again when one of its files changes.
//!
//! sqlx's macros tell cargo of a query's file only where they read rows into a type. After a change of a file that `query_file_scalar!` names,
//! or of one that gives back nothing, cargo would go on with the statement of before
//! (findings/a-changed-query-is-not-built.sh).

fn main() {
    println!("cargo::rerun-if-changed=src");
}
