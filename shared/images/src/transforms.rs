//! What is done to pictures: a file for each transform, with its parameters and what they ask for.

pub(crate) mod convert;
pub(crate) mod cut_out;
pub(crate) mod inspect;
pub(crate) mod optimize;
pub(crate) mod resize;
pub(crate) mod thumbnail;
pub(crate) mod watermark;
