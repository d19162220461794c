//! The layered drawing of dependencies.
