//! The console: the web pages a portal's people use.

#[allow(dead_code, reason = "half of it is for the pages of the console")]
pub(crate) mod layout;
