//! The model as a whole, over a synthetic shop.

mod board;
mod cause;
mod cost;
mod honesty;
mod hysteresis;
mod shop;
mod usable;
