//! The model of a production environment.
