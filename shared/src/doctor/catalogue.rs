//! What the catalogue says about the constraints of G10.
