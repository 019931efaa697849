//! The console: the web pages a portal's people use.

pub(crate) mod layout;
