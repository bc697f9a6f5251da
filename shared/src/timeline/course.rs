//! The rows of a course payment.
