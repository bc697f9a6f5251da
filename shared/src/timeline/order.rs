//! The rows of a payment intent.
