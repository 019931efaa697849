//! Whole flows on the local stack: the real binaries over the real Runtime API, the real SDK, real HTTP.

mod deliveries;
mod gate;
mod invoice;
mod lossy;
mod records;
mod support;
mod tidy;
