//! Who would undo a change: the GitOps owner of an object (facts/kubernetes.md 1, general rules).

use serde_json::Value;

use super::Named;
use super::json::{self, Head};
use crate::domain::text::{Raw, Shown};
use crate::operation::mutation::Resource;
use crate::shown;

/// Where the value of a suspended automated policy is kept on the Application itself, so that any console, or a person
/// with kubectl, can put it back.
pub const PARKED: &str = "tierdeck.dev/suspended-sync";

/// The object that owns another's specification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnerRef {
    ArgoCd(Named),
    FluxKustomization(Named),
    FluxHelm(Named),
}

impl OwnerRef {
    /// The owner that an object's labels and annotations name. Argo CD writes `app:group/kind:namespace/name` into
    /// `argocd.argoproj.io/tracking-id`; an `app.kubernetes.io/instance` label alone is also written by Helm and by hand,
    /// so it counts only where Argo CD's controller has written the object.
    #[must_use]
    pub fn of(head: &Head, argocd_namespace: &Raw) -> Option<Self> {
        let flux = |kind: &str| {
            let name = head.label(&format!("{kind}.toolkit.fluxcd.io/name"))?.clone();
            let namespace = head.label(&format!("{kind}.toolkit.fluxcd.io/namespace"))?.clone();
            Some(Named { namespace, name })
        };
        if let Some(named) = flux("kustomize") {
            return Some(Self::FluxKustomization(named));
        }
        if let Some(named) = flux("helm") {
            return Some(Self::FluxHelm(named));
        }
        let tracked = head.annotation("argocd.argoproj.io/tracking-id").and_then(|id| id.as_str().split(':').next());
        let by_controller = head.managers.iter().any(|manager| manager.name.as_str().starts_with("argocd-"));
        let labelled = by_controller.then(|| head.label("app.kubernetes.io/instance").map(Raw::as_str)).flatten();
        let app = tracked.or(labelled).filter(|app| !app.is_empty())?;
        // An application outside the controller's namespace is tracked as `namespace_name`.
        let (namespace, name) = match app.split_once('_') {
            Some((namespace, name)) => (Raw::new(namespace), Raw::new(name)),
            None => (argocd_namespace.clone(), Raw::new(app)),
        };
        Some(Self::ArgoCd(Named { namespace, name }))
    }

    #[must_use]
    pub const fn at(&self) -> &Named {
        match self {
            Self::ArgoCd(named) | Self::FluxKustomization(named) | Self::FluxHelm(named) => named,
        }
    }

    #[must_use]
    pub const fn resource(&self) -> Resource {
        match self {
            Self::ArgoCd(_) => Resource::APPLICATION,
            Self::FluxKustomization(_) => Resource::KUSTOMIZATION,
            Self::FluxHelm(_) => Resource::HELM_RELEASE,
        }
    }

    /// `Argo CD argocd/shop`.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let system = match self {
            Self::ArgoCd(_) => "Argo CD",
            Self::FluxKustomization(_) => "Flux Kustomization",
            Self::FluxHelm(_) => "Flux HelmRelease",
        };
        shown!("{} {}/{}", system, self.at().namespace, self.at().name)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct OwnerSeen {
    pub owner: OwnerRef,
    pub head: Head,
    /// Argo CD's `spec.syncPolicy.automated` as it stands.
    pub automated: Option<Value>,
    /// It reverts what others change, within seconds (Argo CD self-heal) or at its next interval (Flux).
    pub reverts: bool,
    /// It applies nothing by itself.
    pub suspended: bool,
    /// The policy a suspension put aside.
    pub parked: Option<Raw>,
    /// An ApplicationSet writes the Application, and would put the policy back.
    pub generated: bool,
}

impl OwnerSeen {
    /// # Errors
    /// When it has no identity.
    pub fn read(owner: &OwnerRef, value: &Value) -> Result<Self, Shown> {
        let head = Head::read(value)?;
        let argo = matches!(owner, OwnerRef::ArgoCd(_));
        let automated = value.pointer("/spec/syncPolicy/automated").filter(|policy| !policy.is_null()).cloned();
        // Argo CD 2.14 and later can also switch the policy off in place.
        let off = automated.as_ref().is_some_and(|policy| policy.pointer("/enabled") == Some(&Value::Bool(false)));
        let on = automated.is_some() && !off;
        let heals = automated.as_ref().is_some_and(|policy| json::truth(policy, "/selfHeal"));
        let suspended = if argo { !on } else { json::truth(value, "/spec/suspend") };
        Ok(Self {
            owner: owner.clone(),
            reverts: if argo { on && heals } else { !suspended },
            suspended,
            parked: head.annotation(PARKED).cloned(),
            generated: json::list(value, "/metadata/ownerReferences")
                .any(|owner| json::raw(owner, "/kind").as_str() == "ApplicationSet"),
            automated,
            head,
        })
    }
}
