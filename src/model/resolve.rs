//! Joins the names under which sources speak of things to components (facts/signals.md 2.3).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::world::{Subject, World, host_of};
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::Raw;

/// Whom an alias means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Somebody that an inventory speaks of.
    Known(Subject),
    /// Known only from what is measured of it.
    Unlisted(ComponentId),
    /// Outside of the environment: the users.
    Outside,
}

impl Resolution {
    #[must_use]
    pub fn component(&self) -> Option<&ComponentId> {
        match self {
            Self::Known(subject) => Some(&subject.component),
            Self::Unlisted(id) => Some(id),
            Self::Outside => None,
        }
    }
}

/// Names that trace processors give to callers they know nothing of.
const OUTSIDE: [&str; 3] = ["user", "users", "client"];
/// The longest name of a pod, in bytes (RFC 1123, as Kubernetes names them).
const LONGEST_NAME: usize = 253;

pub struct Resolver<'a> {
    world: &'a World,
    ids: BTreeSet<&'a ComponentId>,
    by_name: BTreeMap<&'a str, Vec<&'a ComponentId>>,
    /// By namespace and name: a name may be that of a workload in every namespace.
    workloads: HashMap<(&'a str, &'a str), &'a ComponentId>,
    /// Names of single instances, for those that are spoken of by name (a database, a cache node).
    by_member: BTreeMap<&'a str, Subject>,
}

impl<'a> Resolver<'a> {
    #[must_use]
    pub fn new(world: &'a World) -> Self {
        let mut ids = BTreeSet::new();
        let mut by_member = BTreeMap::new();
        for section in world.sections.values() {
            ids.extend(section.components.keys());
            ids.extend(section.probes.keys().map(|(id, _)| id));
            for (id, members) in section.members.iter().filter(|(id, _)| !is_workload(id.kind)) {
                for name in members.keys() {
                    let subject = Subject { component: id.clone(), member: Some(name.clone()) };
                    by_member.insert(name.as_str(), subject);
                }
            }
        }
        let mut by_name: BTreeMap<&str, Vec<&ComponentId>> = BTreeMap::new();
        let mut workloads = HashMap::new();
        for id in &ids {
            by_name.entry(id.name.as_str()).or_default().push(id);
            if is_workload(id.kind) {
                workloads.entry((id.scope.as_str(), id.name.as_str())).or_insert(*id);
            }
        }
        Self { world, ids, by_name, workloads, by_member }
    }

    #[must_use]
    pub fn resolve(&self, alias: &Alias) -> Resolution {
        if let Some(subject) = self.stated(alias) {
            return Resolution::Known(subject);
        }
        match alias {
            Alias::Component(id) => {
                let id = self.probed(id);
                known_or(self.ids.contains(&id), id)
            }
            Alias::Workload { namespace, name } | Alias::Service { namespace, name } => self
                .workload(namespace.as_str(), name.as_str())
                .map_or_else(|| unlisted(Kind::Service, namespace.clone(), name.clone()), |id| whole(id.clone())),
            Alias::Pod { namespace, name } => self.pod(namespace, name),
            Alias::Node(name) => {
                let id = ComponentId { kind: Kind::Node, scope: Raw::default(), name: name.clone() };
                self.of_kind(name.as_str(), Kind::Node).map_or(Resolution::Unlisted(id), |id| whole(id.clone()))
            }
            Alias::Dimension { value, .. } => self.named(value.as_str()),
            Alias::Address(address) => self.address(address),
            Alias::Named(name) => self.by_service_name(name.as_str()),
        }
    }

    /// What an inventory itself says the alias means. An address may be a pod's, its node's and a load balancer's
    /// target at once: a whole component (the node) comes before an instance, and who listens there before who sends.
    fn stated(&self, alias: &Alias) -> Option<Subject> {
        let subjects = self.world.sections.values().filter_map(|section| section.subject(alias));
        subjects
            .min_by_key(|s| {
                let sender = matches!(s.component.kind, Kind::TargetGroup | Kind::LoadBalancer) && s.member.is_some();
                (sender, s.member.is_some())
            })
            .cloned()
    }

    fn address(&self, address: &Raw) -> Resolution {
        let host = host_of(address.as_str()).unwrap_or(address.as_str());
        self.stated(&Alias::Address(Raw::new(host)))
            .or_else(|| self.of_kind(host, Kind::Node).map(|id| Subject { component: id.clone(), member: None }))
            .map_or_else(|| unlisted(Kind::Service, Raw::default(), address.clone()), Resolution::Known)
    }

    /// A service name: as such, as `namespace/name`, or as the name of one component or instance.
    fn by_service_name(&self, name: &str) -> Resolution {
        if OUTSIDE.contains(&name) {
            return Resolution::Outside;
        }
        if let Some((namespace, workload)) = name.split_once('/')
            && let Some(id) = self.workload(namespace, workload)
        {
            return whole(id.clone());
        }
        self.named(name)
    }

    fn named(&self, name: &str) -> Resolution {
        let candidates = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let workloads: Vec<_> = candidates.iter().filter(|id| is_workload(id.kind)).take(2).collect();
        match (workloads.as_slice(), candidates) {
            ([only], _) => whole((**only).clone()),
            // Several of one name: only when just one is there may the name alone decide.
            ([], [only]) => whole((*only).clone()),
            _ => self
                .by_member
                .get(name)
                .cloned()
                .map_or_else(|| unlisted(Kind::Service, Raw::default(), Raw::new(name)), Resolution::Known),
        }
    }

    /// A pod that is not listed (any more) is its workload's, whose name its own begins with.
    fn pod(&self, namespace: &Raw, name: &Raw) -> Resolution {
        let mut owner = if name.as_str().len() <= LONGEST_NAME { name.as_str() } else { "" };
        while let Some((shorter, _)) = owner.rsplit_once('-') {
            owner = shorter;
            if let Some(id) = self.workload(namespace.as_str(), owner) {
                return Resolution::Known(Subject { component: id.clone(), member: Some(name.clone()) });
            }
        }
        unlisted(Kind::Service, namespace.clone(), name.clone())
    }

    /// The component that an endpoint is a way to: the one of the same name, where there is just one.
    #[must_use]
    pub fn probed(&self, id: &ComponentId) -> ComponentId {
        if id.kind != Kind::Endpoint {
            return id.clone();
        }
        let others =
            self.by_name.get(id.name.as_str()).into_iter().flatten().filter(|other| other.kind != Kind::Endpoint);
        match others.take(2).collect::<Vec<_>>().as_slice() {
            [only] => (**only).clone(),
            _ => id.clone(),
        }
    }

    fn workload(&self, namespace: &str, name: &str) -> Option<&'a ComponentId> {
        self.workloads.get(&(namespace, name)).copied()
    }

    fn of_kind(&self, name: &str, kind: Kind) -> Option<&'a ComponentId> {
        self.by_name.get(name)?.iter().find(|id| id.kind == kind).copied()
    }
}

/// Whether its instances are pods that a controller makes.
#[must_use]
pub const fn is_workload(kind: Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout)
}

fn whole(component: ComponentId) -> Resolution {
    Resolution::Known(Subject { component, member: None })
}

fn known_or(known: bool, id: ComponentId) -> Resolution {
    if known { whole(id) } else { Resolution::Unlisted(id) }
}

fn unlisted(kind: Kind, scope: Raw, name: Raw) -> Resolution {
    Resolution::Unlisted(ComponentId { kind, scope, name })
}
