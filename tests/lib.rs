//! Whole flows on the local stack; see `it/main.rs`.
