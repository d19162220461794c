//! tierdeck: a terminal operations console for the person on call.
//!
//! # Bird's-eye view
//! A pure core (what is known) inside an imperative shell (sockets, terminal, files). One loop owns the state.
//!
//! ```text
//!  tty reader --keys--------------+
//!  signals, writer --control------+--> runtime::inbox --> runtime::app --> state::session::update (pure) --> effects
//!  sources --observations---------+                                              |
//!   ^  DTO -> facts                                                    model::world: merge, assess
//!   |  clients: wire -> DTO                                                      v
//!   +---- the same clients, the same URLs ---- demo::servers       ui::draw (pure) -> bytes -> writer thread -> tty
//! ```
//!
//! # Rooms
//! - `domain`: the vocabulary (ids, time, text, health, readings, settings).
//! - `model`: observations in, an assessed `Board` out. Pure: hysteresis is computed over history, not remembered.
//! - `operation`: changes to production. Pure: evidence in, a plan, guards, confirmation and a machine's effects out.
//! - `audit`: what was done to production, on a tamper-evident record. Pure rooms see `audit::record` alone.
//! - `action`, `input`: what keys mean; keymaps are data.
//! - `state`: the reducer. `session` dispatches, `navigate` moves through places, `rows` is the one order of rows, `typed`
//!   and `palette` are the command line.
//! - `layout`, `theme`, `ui`: pure functions of `(&State, &Theme)`.
//! - `report`: the JSON contract of `status`, `run` and `audit`.
//! - `clients`: one folder per protocol, wire to slim own types; `sources`: one file per feed, types to facts.
//! - `config`: files to `domain::settings`, with errors that say file, line, column and the fix.
//! - `runtime`: clocks, threads, tasks, terminal, the loop. `cli`: one file per subcommand.
//! - `demo`: the embedded production world. It knows none of the other rooms: the wire is the only contract.
//!
//! Who may import whom is a table in `tests/it/architecture/imports.rs`, which fails when it is broken.
//!
//! # Invariants
//! - Outside data never panics; it enters as `domain::text::Raw` and is seen only as `Shown`.
//! - A bare number cannot reach a screen: the formatter takes `Reading`s, which carry their provenance and age.
//! - Unknown is never zero and never green: a health whose evidence is gone is unknown.
//! - World time and human time are apart: ages, thresholds and queries live in world time, waits in human time.
//! - A required sink of the trail has the intent before the first byte; only broken glass goes past it.
//! - A change leaves by one door (`runtime::operate`): planned, guarded, confirmed, its intent durable before the first
//!   byte, sent once, judged by what is observed. AWS is changed in the embedded world alone.
//! - In the embedded world every client is held to loopback (`clients::egress`).
//!
//! # What an addition touches
//! | addition | files |
//! |---|---|
//! | signal | rows of the catalogue, the TOML files below `model/signals/` |
//! | source on an existing protocol | `sources/x.rs`, its line in `runtime/connect.rs`, a contract test |
//! | source on a new protocol | also `clients/x/`, `demo/servers/x`, a line in the route manifest |
//! | health rule | one file in `model/assess/`, its line, a table test |
//! | operation on existing requests | one file in `operation/ops/`, its arms in `ops/mod.rs`, a table test |
//! | panel or screen | its file in `ui/`, its line, its snapshots; for a screen a `Place` and its keys |
//! | action | a row in `action.rs`, an arm in `state::session`, a row in the keymaps |
//! | theme or keymap | one TOML file |

pub mod action;
pub mod audit;
pub mod cli;
pub mod clients;
pub mod config;
pub mod demo;
pub mod domain;
pub mod input;
pub mod layout;
pub mod model;
pub mod operation;
pub mod report;
pub mod runtime;
pub mod sources;
pub mod state;
pub mod theme;
pub mod ui;
