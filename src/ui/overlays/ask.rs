//! One line that is typed: a command, or what an operation still needs. Enter plans: it starts nothing.

use std::ops::Range;

use ratatui::layout::Rect;

use crate::domain::text::Shown;
use crate::input::TextField;
use crate::operation::verb::Verb;
use crate::shown;
use crate::state::palette::Suggestion;
use crate::state::{Ask, Command, State};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, width};
use crate::ui::looks;
use crate::ui::panels::header;

pub fn question(canvas: &mut Canvas<'_>, area: Rect, state: &State, ask: &Ask) {
    let (prompt, example) = wanted(ask.request.verb);
    let title = shown!("{} {}", Shown::fixed(ask.request.verb.name()).upper(), ask.request.target.title());
    // It is one value, however many words it has.
    let complaint = ask.complaint.as_ref().map(|text| (None, text));
    let line = Typed { title, prompt, example, field: &ask.field, complaint };
    line.draw(canvas, area, state, &[]);
}

pub fn command(canvas: &mut Canvas<'_>, area: Rect, state: &State, command: &Command) {
    let line = Typed {
        title: Shown::fixed("command"),
        prompt: ":",
        example: "arm 15m REASON   abort orders   scale shop/orders 12   open orders-db   rollouts",
        field: &command.field,
        complaint: command.complaint.as_ref().map(|complaint| (Some(complaint.word), &complaint.text)),
    };
    let found = command.suggestions(state);
    let taken = command.stem.as_ref().map(|(_, at)| *at);
    let rows: Vec<(&Suggestion, bool)> = (0..).zip(&found).map(|(at, of)| (of, taken == Some(at))).collect();
    line.draw(canvas, area, state, &rows);
}

/// What an operation asks for, and an example of it.
const fn wanted(verb: Verb) -> (&'static str, &'static str) {
    match verb {
        Verb::Scale => ("how many instances: ", "12"),
        Verb::Bounds => ("lowest and highest: ", "6 24"),
        Verb::Rollback => ("to which revision: ", "6, a pod template hash, or nothing: the last stable one"),
        Verb::Evict => ("which pod: ", "orders-7b9f5d6c44-x2k9q"),
        Verb::Failover => ("which shall become primary: ", "orders-2, or nothing: the engine chooses"),
        _ => ("nothing more is needed: ", "enter"),
    }
}

struct Typed<'a> {
    title: Shown,
    prompt: &'static str,
    example: &'static str,
    field: &'a TextField,
    /// Why it cannot be meant, and which word is wrong where it is one.
    complaint: Option<(Option<usize>, &'a Shown)>,
}

/// Columns of a suggested line, of its risk.
const LINE: u16 = 34;
const RISK: u16 = 15;

impl Typed<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, state: &State, suggestions: &[(&Suggestion, bool)]) {
        let rows = u16::try_from(suggestions.len()).unwrap_or(u16::MAX);
        let height = rows.saturating_add(4).min(area.height);
        let sheet = Rect { y: area.bottom() - height, height, ..area };
        canvas.clear(sheet);
        canvas.rule(sheet);
        let (banner, role) = header::banner(state);
        let banner = shown!(" {} ", banner);
        let end = sheet.right().saturating_sub(width(&banner) + 1);
        canvas.put(end, sheet.y + 1, width(&banner), &banner, Ink::bold(role));
        canvas.name(sheet.x + 1, sheet.y + 1, end.saturating_sub(sheet.x + 2), &self.title, Ink::bold(Role::Text));
        canvas.pieces(sheet.x, sheet.y + 2, sheet.width, &self.line(sheet.width));
        for (y, (suggestion, taken)) in (sheet.y + 3..sheet.bottom() - 1).zip(suggestions) {
            suggested(canvas, Rect { y, height: 1, ..sheet }, suggestion, *taken);
        }
        let (x, y) = (sheet.x + 1, sheet.bottom() - 1);
        match self.complaint {
            Some((_, complaint)) => {
                let lead = canvas.put(x, y, sheet.width - 1, "x ", Ink::bold(Role::Crit));
                canvas.put(lead, y, sheet.right().saturating_sub(lead), complaint, Role::Crit);
            }
            None if suggestions.is_empty() => {
                let words = shown!("for example: {}   enter plans, it starts nothing", self.example);
                canvas.put(x, y, sheet.width - 2, words, Role::Dim);
            }
            None => {
                let words = "tab takes one   up, down: lines before   enter plans, it starts nothing";
                canvas.put(x, y, sheet.width - 2, words, Role::Dim);
            }
        }
    }

    /// The prompt and what is typed around the cursor; the word that cannot be meant stands out.
    fn line(&self, columns: u16) -> Vec<Piece> {
        let room = usize::from(columns.saturating_sub(width(self.prompt) + 4)).max(8);
        let text: Vec<char> = self.field.text().chars().collect();
        let cursor = self.field.cursor().min(text.len());
        // What is left of the cursor is what one types on.
        let from = cursor.saturating_sub(room.saturating_sub(4));
        let until = text.len().min(from + room);
        let wrong = self.complaint.and_then(|(word, _)| span_of(&text, word?));
        let ink = |at: usize| match &wrong {
            Some(wrong) if wrong.contains(&at) => Ink::bold(Role::Crit),
            _ => Ink::bold(Role::Text),
        };
        let mut pieces = vec![Piece::new(shown!(" {}", self.prompt), Ink::bold(Role::Key))];
        if from > 0 {
            pieces.push(Piece::new("…", Role::Dim));
        }
        for (at, c) in text.iter().enumerate().take(until).skip(from) {
            if at == cursor {
                pieces.push(Piece::new("▌", Role::Accent));
            }
            pieces.push(Piece::new(Shown::of(c.encode_utf8(&mut [0; 4])), ink(at)));
        }
        if cursor >= until {
            pieces.push(Piece::new("▌", Role::Accent));
        }
        if until < text.len() {
            pieces.push(Piece::new("…", Role::Dim));
        }
        if wrong.is_none() && self.complaint.is_some_and(|(word, _)| word.is_some()) {
            // The word that is wrong is the one that is missing.
            pieces.push(Piece::new(" ?", Ink::bold(Role::Crit)));
        }
        pieces
    }
}

/// Where a word stands, in characters.
fn span_of(text: &[char], word: usize) -> Option<Range<usize>> {
    let blank = |at: &usize| text.get(*at).is_none_or(|c| c.is_whitespace());
    let starts = (0..text.len()).filter(|at| !blank(at) && at.checked_sub(1).is_none_or(|before| blank(&before)));
    let start = starts.into_iter().nth(word)?;
    let end = (start..text.len()).find(blank).unwrap_or(text.len());
    Some(start..end)
}

/// A suggestion: the line it makes, how dangerous it is, what it does.
fn suggested(canvas: &mut Canvas<'_>, line: Rect, suggestion: &Suggestion, taken: bool) {
    let (x, y) = (line.x, line.y);
    let ink = if taken { Ink::bold(Role::Text) } else { Role::Text.into() };
    canvas.name(x + 3, y, LINE - 1, Shown::of(suggestion.line.trim_end()), ink);
    let mut at = x + 3 + LINE;
    if let Some(risk) = suggestion.risk {
        canvas.put(at, y, RISK - 1, risk.word(), looks::risk(risk));
        at += RISK;
    }
    canvas.put(at, y, line.right().saturating_sub(at + 1), &suggestion.doc, Role::Dim);
    if taken {
        canvas.put(x, y, 1, "▸", Ink::bold(Role::Accent));
        canvas.tint(line);
    }
}
