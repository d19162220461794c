//! From written objects to the model: the inverse of `export`.
//!
//! A written object is compared with the one it replaces. What the model knows becomes an [`Act`]; the rest is kept by
//! the exporter as it was written.

mod acts;
mod orders;
mod writes;

pub use acts::{Act, Invalid, Part, read};
pub use orders::{Order, Refusal};
pub use writes::{EvictionRefusal, LastChange, Write};
