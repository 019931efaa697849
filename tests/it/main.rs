//! Whole flows on the local stack: the real binaries over the real Runtime API, the real SDK, real HTTP.

mod lossy;
mod records;
