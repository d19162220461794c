//! One line that is typed: a command, or what an operation still needs. Enter plans: it starts nothing.

use ratatui::layout::Rect;

use crate::domain::text::Shown;
use crate::operation::verb::Verb;
use crate::shown;
use crate::state::{Ask, Command, State};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, cut_middle, width};
use crate::ui::panels::header;

pub fn question(canvas: &mut Canvas<'_>, area: Rect, state: &State, ask: &Ask) {
    let (prompt, example) = wanted(ask.request.verb);
    let title = shown!("{} {}", Shown::fixed(ask.request.verb.name()).upper(), ask.request.target.title());
    let line = Typed { title, prompt, example, text: ask.field.text(), complaint: ask.complaint.as_ref() };
    line.draw(canvas, area, state);
}

pub fn command(canvas: &mut Canvas<'_>, area: Rect, state: &State, command: &Command) {
    let line = Typed {
        title: Shown::fixed("command"),
        prompt: ":",
        example: "arm 15m REASON   disarm   abort orders   scale shop/orders 12",
        text: command.field.text(),
        complaint: command.complaint.as_ref(),
    };
    line.draw(canvas, area, state);
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
    text: &'a str,
    complaint: Option<&'a Shown>,
}

impl Typed<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, state: &State) {
        let height = 4.min(area.height);
        let sheet = Rect { y: area.bottom() - height, height, ..area };
        canvas.clear(sheet);
        canvas.rule(sheet);
        let (banner, role) = header::banner(state);
        let banner = shown!(" {} ", banner);
        let end = sheet.right().saturating_sub(width(&banner) + 1);
        canvas.put(end, sheet.y + 1, width(&banner), &banner, Ink::bold(role));
        canvas.name(sheet.x + 1, sheet.y + 1, end.saturating_sub(sheet.x + 2), &self.title, Ink::bold(Role::Text));
        let room = usize::from(sheet.width.saturating_sub(width(self.prompt) + 4));
        let text = Shown::of(self.text);
        let pieces = [
            Piece::new(shown!(" {}", self.prompt), Ink::bold(Role::Key)),
            Piece::new(cut_middle(text.as_str(), room), Ink::bold(Role::Text)),
            Piece::new("▌", Role::Accent),
        ];
        canvas.pieces(sheet.x, sheet.y + 2, sheet.width, &pieces);
        let x = sheet.x + 1;
        match self.complaint {
            Some(complaint) => {
                let lead = canvas.put(x, sheet.y + 3, sheet.width - 1, "x ", Ink::bold(Role::Crit));
                canvas.put(lead, sheet.y + 3, sheet.right().saturating_sub(lead), complaint, Role::Crit);
            }
            None => {
                let words = shown!("for example: {}   enter plans, it starts nothing", self.example);
                canvas.put(x, sheet.y + 3, sheet.width - 2, words, Role::Dim);
            }
        }
    }
}
