//! Has the crate built again when a file that it embeds changes: a query (see `shared/watch_queries.rs`), or a migration, of which the
//! macro that embeds them only watches those that were there when it ran.

fn main() {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=../../migrations");
}
