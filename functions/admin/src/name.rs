//! What the function is called.

/// The function's name, the dimension of its metrics.
pub const NAME: &str = "admin";
