//! What one source said of one scope: replaced as a whole by a complete observation, changed in place by a partial one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::id::{Alias, ComponentId};
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::model::facts::{AlertFact, ComponentFact, GapFact, LinkFact, MemberFact, ProbeFact};

/// Whom an alias means: a component, or one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub component: ComponentId,
    pub member: Option<Raw>,
}

#[derive(Debug, Default)]
pub struct Section {
    /// Counts complete observations: what was last mentioned in an earlier round is no longer seen.
    pub round: u64,
    /// When its source last looked.
    pub observed_at: Stamp,
    pub components: BTreeMap<ComponentId, Arc<ComponentFact>>,
    pub members: BTreeMap<ComponentId, BTreeMap<Raw, MemberFact>>,
    pub links: BTreeMap<(Alias, Alias), LinkFact>,
    pub alerts: BTreeMap<Raw, AlertFact>,
    pub probes: BTreeMap<(ComponentId, Raw), ProbeFact>,
    pub gaps: Vec<GapFact>,
    aliases: HashMap<Alias, Subject>,
}

impl Section {
    pub fn restart(&mut self) {
        *self = Self { round: self.round + 1, ..Self::default() };
    }

    /// Whom this section's aliases say `alias` means.
    #[must_use]
    pub fn subject(&self, alias: &Alias) -> Option<&Subject> {
        self.aliases.get(alias)
    }

    pub fn put_component(&mut self, fact: ComponentFact) {
        if let Some(old) = self.components.get(&fact.id).cloned() {
            self.forget(&old.aliases, &old.id);
        }
        for alias in &fact.aliases {
            for form in forms(alias) {
                self.aliases.insert(form, Subject { component: fact.id.clone(), member: None });
            }
        }
        self.components.insert(fact.id.clone(), Arc::new(fact));
    }

    pub fn drop_component(&mut self, id: &ComponentId) {
        if let Some(old) = self.components.remove(id) {
            self.forget(&old.aliases, id);
        }
        for (_, member) in self.members.remove(id).unwrap_or_default() {
            self.forget(&names(&member), id);
        }
    }

    pub fn put_member(&mut self, fact: MemberFact) {
        let subject = Subject { component: fact.component.clone(), member: Some(fact.name.clone()) };
        let aliases = names(&fact);
        let members = self.members.entry(fact.component.clone()).or_default();
        if let Some(old) = members.insert(fact.name.clone(), fact) {
            self.forget(&names(&old), &subject.component);
        }
        for form in aliases.iter().flat_map(forms) {
            self.aliases.insert(form, subject.clone());
        }
    }

    pub fn drop_member(&mut self, component: &ComponentId, name: &Raw) {
        let Some(members) = self.members.get_mut(component) else { return };
        if let Some(old) = members.remove(name) {
            self.forget(&names(&old), component);
        }
    }

    pub fn put_link(&mut self, fact: LinkFact) {
        self.links.insert((fact.from.clone(), fact.to.clone()), fact);
    }

    pub fn put_alert(&mut self, fact: AlertFact) {
        self.alerts.insert(fact.key.clone(), fact);
    }

    pub fn put_probe(&mut self, fact: ProbeFact) {
        self.probes.insert((fact.component.clone(), fact.name.clone()), fact);
    }

    fn forget(&mut self, aliases: &[Alias], id: &ComponentId) {
        for form in aliases.iter().flat_map(forms) {
            // An address may have been given to another pod in the meantime.
            if self.aliases.get(&form).is_some_and(|subject| subject.component == *id) {
                self.aliases.remove(&form);
            }
        }
    }
}

/// The names under which sources speak of a member: the pod's in its namespace, and its addresses.
fn names(member: &MemberFact) -> Vec<Alias> {
    let mut names = vec![Alias::Pod { namespace: member.component.scope.clone(), name: member.name.clone() }];
    names.extend(member.address.clone().map(Alias::Address));
    names
}

/// An alias and, for an address with a port, also the address alone.
fn forms(alias: &Alias) -> Vec<Alias> {
    let mut forms = vec![alias.clone()];
    if let Alias::Address(address) = alias
        && let Some(host) = host_of(address.as_str())
    {
        forms.push(Alias::Address(Raw::new(host)));
    }
    forms
}

/// `10.0.0.1` of `10.0.0.1:9100`, `[::1]` of `[::1]:9100`; `None` when there is no port.
#[must_use]
pub fn host_of(address: &str) -> Option<&str> {
    let (host, port) = address.rsplit_once(':')?;
    let whole = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
    (whole && !host.is_empty() && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())).then_some(host)
}
