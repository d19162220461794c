//! A debt in the words of the audit trail, so that any later session knows what pays it.

use super::evidence::Named;
use super::evidence::owner::OwnerRef;
use super::plan::DebtKind;
use crate::domain::text::Raw;

impl DebtKind {
    /// `sync`, `bounds`, `cordon`, `hold`, `automatic-failover`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sync { .. } => "sync",
            Self::Bounds { .. } => "bounds",
            Self::Cordon { .. } => "cordon",
            Self::Hold { .. } => "hold",
            Self::AutomaticFailover { .. } => "automatic-failover",
        }
    }

    /// What [`DebtKind::read`] needs of it.
    #[must_use]
    pub fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sync { owner, parked } => {
                let Named { namespace, name } = owner.at();
                let owner = match owner {
                    OwnerRef::ArgoCd(_) => "argocd",
                    OwnerRef::FluxKustomization(_) => "flux-kustomization",
                    OwnerRef::FluxHelm(_) => "flux-helm",
                };
                let parked = parked.iter().map(|parked| ("parked", parked.as_str().to_owned()));
                let owner = [("owner", owner), ("namespace", namespace.as_str()), ("name", name.as_str())]
                    .map(|(n, v)| (n, v.to_owned()));
                owner.into_iter().chain(parked).collect()
            }
            Self::Bounds { autoscaler, min, max } => {
                vec![("name", autoscaler.as_str().to_owned()), ("min", min.to_string()), ("max", max.to_string())]
            }
            Self::Cordon { node: name } | Self::Hold { rollout: name } | Self::AutomaticFailover { group: name } => {
                vec![("name", name.as_str().to_owned())]
            }
        }
    }

    /// Takes what [`DebtKind::name`] and [`DebtKind::values`] gave; `None` for a debt of a newer tierdeck.
    pub fn read<'v>(name: &str, value: impl Fn(&str) -> Option<&'v str>) -> Option<Self> {
        let named = || value("name").map(Raw::new);
        let number = |name: &str| value(name)?.parse().ok();
        Some(match name {
            "sync" => {
                let at = Named { namespace: Raw::new(value("namespace")?), name: named()? };
                let owner = match value("owner")? {
                    "argocd" => OwnerRef::ArgoCd(at),
                    "flux-kustomization" => OwnerRef::FluxKustomization(at),
                    "flux-helm" => OwnerRef::FluxHelm(at),
                    _ => return None,
                };
                Self::Sync { owner, parked: value("parked").map(Raw::new) }
            }
            "bounds" => Self::Bounds { autoscaler: named()?, min: number("min")?, max: number("max")? },
            "cordon" => Self::Cordon { node: named()? },
            "hold" => Self::Hold { rollout: named()? },
            "automatic-failover" => Self::AutomaticFailover { group: named()? },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_debt_is_read_as_it_was_written() {
        let at = || Named { namespace: Raw::new("argocd"), name: Raw::new("shop") };
        let parked = Some(Raw::new(r#"{"prune":true,"selfHeal":true}"#));
        let kinds = [
            DebtKind::Sync { owner: OwnerRef::ArgoCd(at()), parked },
            DebtKind::Sync { owner: OwnerRef::FluxKustomization(at()), parked: None },
            DebtKind::Sync { owner: OwnerRef::FluxHelm(at()), parked: None },
            DebtKind::Bounds { autoscaler: Raw::new("orders"), min: 9, max: 24 },
            DebtKind::Cordon { node: Raw::new("ip-10-0-1-7") },
            DebtKind::Hold { rollout: Raw::new("orders") },
            DebtKind::AutomaticFailover { group: Raw::new("sessions") },
        ];
        for kind in kinds {
            let values = kind.values();
            let value = |name: &str| values.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str());
            assert_eq!(DebtKind::read(kind.name(), value), Some(kind.clone()));
        }
        assert_eq!(DebtKind::read("another", |_| Some("x")), None);
    }
}
