//! What surrounds a workload: services, endpoints, autoscalers, disruption budgets.

use super::table::{Names, Table};
use super::workloads::{HASHES, TemplateRow};
use crate::clients::kube::read::{Autoscaler, Budget, EndpointSlice, Labels, Selector, Service};
use crate::domain::id::{ComponentId, Kind};
use crate::domain::text::Raw;

/// Namespace and name.
pub type Key = (Raw, Raw);

#[derive(Debug, Default)]
pub struct Around {
    pub services: Table<Key, SelectorRow>,
    pub slices: Table<Key, SliceRow>,
    pub autoscalers: Table<Key, AutoscalerRow>,
    pub budgets: Table<Key, BudgetRow>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectorRow {
    labels: Vec<(Raw, Raw)>,
    expressions: Vec<(Raw, Raw, Vec<Raw>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceRow {
    pub service: Raw,
    pub ready: u32,
    pub total: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoscalerRow {
    pub target: Option<ComponentId>,
    pub bounds: (u32, u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRow {
    selector: SelectorRow,
    floor: Option<u32>,
}

fn labels(labels: &Labels<'_>, names: &mut Names) -> Vec<(Raw, Raw)> {
    labels
        .iter()
        .filter(|(key, _)| !HASHES.contains(key))
        .map(|(key, value)| (names.of(key), names.of(value)))
        .collect()
}

impl SelectorRow {
    pub fn of_service(service: &Service<'_>, names: &mut Names) -> Self {
        Self { labels: labels(&service.spec.selector, names), expressions: Vec::new() }
    }

    fn of(selector: &Selector<'_>, names: &mut Names) -> Self {
        let expressions = selector
            .match_expressions
            .iter()
            .map(|need| {
                let values = need.values.iter().map(|value| names.of(value)).collect();
                (names.of(&need.key), names.of(&need.operator), values)
            })
            .collect();
        Self { labels: labels(&selector.match_labels, names), expressions }
    }

    /// Whether pods of this template are selected; an empty selector selects none.
    pub fn selects(&self, template: &TemplateRow) -> bool {
        let value = |key: &Raw| template.labels.iter().find(|(of, _)| of == key).map(|(_, value)| value);
        let holds = |(key, operator, values): &(Raw, Raw, Vec<Raw>)| match (operator.as_str(), value(key)) {
            ("In", Some(value)) => values.contains(value),
            ("NotIn", Some(value)) => !values.contains(value),
            ("Exists", found) => found.is_some(),
            ("NotIn" | "DoesNotExist", None) => true,
            _ => false,
        };
        !(self.labels.is_empty() && self.expressions.is_empty())
            && self.labels.iter().all(|(key, wanted)| value(key) == Some(wanted))
            && self.expressions.iter().all(holds)
    }
}

pub fn slice(slice: &EndpointSlice<'_>, names: &mut Names) -> SliceRow {
    let ready = slice.endpoints.iter().filter(|endpoint| endpoint.conditions.ready != Some(false)).count();
    SliceRow {
        service: names.of(slice.metadata.labels.get("kubernetes.io/service-name").unwrap_or_default()),
        ready: u32::try_from(ready).unwrap_or(u32::MAX),
        total: u32::try_from(slice.endpoints.len()).unwrap_or(u32::MAX),
    }
}

pub fn autoscaler(wire: &Autoscaler<'_>, names: &mut Names) -> AutoscalerRow {
    let target = &wire.spec.scale_target_ref;
    let kind = match &*target.kind {
        "Deployment" => Some(Kind::Deployment),
        "StatefulSet" => Some(Kind::StatefulSet),
        "Rollout" => Some(Kind::Rollout),
        _ => None,
    };
    let target =
        kind.map(|kind| ComponentId { kind, scope: names.of(&wire.metadata.namespace), name: names.of(&target.name) });
    AutoscalerRow { target, bounds: (wire.spec.min_replicas.unwrap_or(1), wire.spec.max_replicas) }
}

pub fn budget(wire: &Budget<'_>, names: &mut Names) -> BudgetRow {
    BudgetRow { selector: SelectorRow::of(&wire.spec.selector, names), floor: wire.status.desired_healthy }
}

/// Rows of one namespace.
fn within<'a, R>(table: &'a Table<Key, R>, namespace: &'a Raw) -> impl Iterator<Item = (&'a Raw, &'a R)> {
    table
        .from(&(namespace.clone(), Raw::default()))
        .take_while(move |((scope, _), _)| scope == namespace)
        .map(|((_, name), row)| (name, row))
}

impl Around {
    /// Names of the services that select pods of this template.
    pub fn services_of<'a>(&'a self, namespace: &'a Raw, template: &'a TemplateRow) -> impl Iterator<Item = &'a Raw> {
        within(&self.services, namespace).filter(|(_, row)| row.selects(template)).map(|(name, _)| name)
    }

    /// Ready and all endpoints of a service; `None` when it has no slices.
    pub fn endpoints_of(&self, namespace: &Raw, service: &Raw) -> Option<(u32, u32)> {
        within(&self.slices, namespace)
            .filter(|(_, row)| row.service == *service)
            .map(|(_, row)| (row.ready, row.total))
            .reduce(|sum, one| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1)))
    }

    pub fn bounds_of(&self, id: &ComponentId) -> Option<(u32, u32)> {
        within(&self.autoscalers, &id.scope).find(|(_, row)| row.target.as_ref() == Some(id)).map(|(_, row)| row.bounds)
    }

    /// The highest floor of the budgets that cover this template.
    pub fn floor_of(&self, namespace: &Raw, template: &TemplateRow) -> Option<u32> {
        within(&self.budgets, namespace)
            .filter(|(_, row)| row.selector.selects(template))
            .filter_map(|(_, row)| row.floor)
            .max()
    }

    /// What an autoscaler scales.
    pub fn target_of(&self, key: &Key) -> Option<&ComponentId> {
        self.autoscalers.get(key).and_then(|row| row.target.as_ref())
    }
}
