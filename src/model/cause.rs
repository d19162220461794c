//! Where the trouble begins.

use std::sync::Arc;

use super::assess::AllAssessed;
use super::assess::component::Context;
use super::assess::node::Nodes;
use super::board::{Cause, TierRow};
use super::facts::ChangeFact;
use super::resolve::Resolver;

/// Everything the search looks at.
pub struct Question<'q, 'a> {
    pub nodes: &'q Nodes<'a>,
    pub assessed: &'q AllAssessed,
    pub context: &'q Context<'q, 'a>,
    pub tiers: &'q [TierRow],
    pub changes: &'q [Arc<ChangeFact>],
    pub resolver: &'q Resolver<'a>,
}

/// The probable cause of what users suffer.
#[must_use]
pub fn find(_question: &Question) -> Cause {
    Cause::None
}
