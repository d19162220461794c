//! Keys as people write them, and the keymap that gives them meaning.

pub mod field;
pub mod key;
pub mod keymap;

pub use field::TextField;
pub use key::{Key, KeyName};
pub use keymap::{Context, Keymap, KeymapError, Lookup};
