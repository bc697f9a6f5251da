//! Makes cargo see a new migration: the macro that embeds them only watches the files that it knew.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
