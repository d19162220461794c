//! Sources against the embedded world's servers, over the wire.

mod kubernetes;
