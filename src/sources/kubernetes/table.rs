//! Rows that survive re-lists, and names that are kept once.

use std::collections::BTreeMap;

use crate::domain::text::Raw;

/// Which feed put a row there and in which of its lists it was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub feed: usize,
    pub round: u32,
}

#[derive(Debug)]
pub struct Table<K, R> {
    rows: BTreeMap<K, (Mark, R)>,
}

impl<K, R> Default for Table<K, R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, R> Table<K, R> {
    /// Puts a row and returns the one it replaces.
    pub fn put(&mut self, key: K, mark: Mark, row: R) -> Option<R> {
        self.rows.insert(key, (mark, row)).map(|(_, old)| old)
    }

    pub fn get(&self, key: &K) -> Option<&R> {
        self.rows.get(key).map(|(_, row)| row)
    }

    pub fn remove(&mut self, key: &K) -> Option<R> {
        self.rows.remove(key).map(|(_, row)| row)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &R)> {
        self.rows.iter().map(|(key, (_, row))| (key, row))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut R)> {
        self.rows.iter_mut().map(|(key, (_, row))| (key, row))
    }

    /// Rows from `key` on.
    pub fn from<'a>(&'a self, key: &K) -> impl Iterator<Item = (&'a K, &'a R)> + use<'a, K, R> {
        self.rows.range(key.clone()..).map(|(key, (_, row))| (key, row))
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Removes and returns what the feed's latest list no longer has.
    pub fn sweep(&mut self, mark: Mark) -> Vec<(K, R)> {
        self.rows
            .extract_if(.., |_, (of, _)| of.feed == mark.feed && of.round != mark.round)
            .map(|(key, (_, row))| (key, row))
            .collect()
    }
}

/// Texts that stand in thousands of rows (namespaces, nodes, zones, hashes), kept once.
#[derive(Debug, Default)]
pub struct Names {
    known: BTreeMap<Box<str>, Raw>,
}

/// Above this many, the store of names starts anew: rows keep what they hold.
const MOST_NAMES: usize = 50_000;
/// Longer texts are not worth a comparison.
const LONGEST_NAME: usize = 253;

impl Names {
    pub fn of(&mut self, text: &str) -> Raw {
        if text.len() > LONGEST_NAME {
            return Raw::new(text);
        }
        if let Some(raw) = self.known.get(text) {
            return raw.clone();
        }
        if self.known.len() >= MOST_NAMES {
            self.known.clear();
        }
        let raw = Raw::new(text);
        self.known.insert(Box::from(text), raw.clone());
        raw
    }

    /// `None` for an empty text.
    pub fn some(&mut self, text: &str) -> Option<Raw> {
        (!text.is_empty()).then(|| self.of(text))
    }
}
