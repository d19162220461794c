//! Pages of metrics: what one target exposes at each scrape, in the same order every time, so that the series need
//! looking up only once.

use std::collections::BTreeMap;

use crate::demo::store::tsdb::{Labels, SeriesId, Tsdb};

/// What a page belongs to: its kind and the number of the object.
pub type Key = (&'static str, u64);

/// A process older than this has counted before the world's history begins, ms.
const OLD: i64 = 600_000;

#[derive(Debug, Default)]
struct Page {
    lines: Vec<(SeriesId, f64)>,
    seen: i64,
}

/// All pages of a scrape.
#[derive(Debug, Default)]
pub struct Pages {
    pages: BTreeMap<Key, Page>,
    pub at: i64,
    /// Seconds since the scrape before.
    pub elapsed: f64,
}

impl Pages {
    /// Writes a page. `base` are labels that all of its series carry; `started` is when its process began to count.
    pub fn write(
        &mut self,
        tsdb: &mut Tsdb,
        key: Key,
        base: &[(&str, &str)],
        started: i64,
        fill: impl FnOnce(&mut Writer),
    ) {
        let page = self.pages.entry(key).or_default();
        page.seen = self.at;
        let age = self.at - started;
        let before = if age > OLD { age as f64 / 1_000.0 / self.elapsed.max(1.0) } else { 1.0 };
        let mut writer = Writer { tsdb, page, base, next: 0, at: self.at, elapsed: self.elapsed, before };
        fill(&mut writer);
    }

    /// Ends the series of pages that were not written in this scrape.
    pub fn sweep(&mut self, tsdb: &mut Tsdb) {
        let at = self.at;
        self.pages.retain(|_, page| {
            if page.seen < at {
                page.lines.iter().for_each(|(id, _)| tsdb.end(*id, at));
            }
            page.seen == at
        });
    }
}

/// Writes the lines of one page.
pub struct Writer<'a> {
    tsdb: &'a mut Tsdb,
    page: &'a mut Page,
    base: &'a [(&'a str, &'a str)],
    next: usize,
    at: i64,
    elapsed: f64,
    /// How many intervals like the first one a process has already counted.
    before: f64,
}

impl Writer<'_> {
    /// A value as it is now.
    pub fn gauge(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.line(name, labels, |_, _| value);
    }

    /// A counter that grew by `increment` since the scrape before.
    pub fn add(&mut self, name: &str, labels: &[(&str, &str)], increment: f64) {
        self.line(name, labels, |last, before| last.map_or(increment * before, |last| last + increment));
    }

    /// A counter that has grown at this rate since the scrape before.
    pub fn rate(&mut self, name: &str, labels: &[(&str, &str)], per_second: f64) {
        self.add(name, labels, per_second * self.elapsed);
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl FnOnce(Option<f64>, f64) -> f64) {
        let at = self.at;
        if let Some((id, last)) = self.page.lines.get_mut(self.next) {
            *last = value(Some(*last), self.before);
            self.tsdb.append(*id, at, *last);
        } else {
            let labels = Labels::new(name, self.base.iter().chain(labels).copied());
            let id = self.tsdb.series_id(labels);
            let value = value(None, self.before);
            self.tsdb.append(id, at, value);
            self.page.lines.push((id, value));
        }
        self.next += 1;
    }
}
