//! Sentences about a scene that several plans share.

use super::scene::Scene;
use crate::domain::text::Shown;
use crate::shown;

/// Who calls the target.
#[must_use]
pub fn callers(scene: &Scene) -> Shown {
    if scene.callers.is_empty() {
        return Shown::fixed("who calls it is not known");
    }
    shown!("whoever calls it: {}", Shown::joined(scene.callers.iter(), ", "))
}
