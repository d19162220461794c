//! A run as text. All of it comes from the report, whose words are shown text.

use crate::report::run::{Outcome, PlanReport, Run};

/// The verdict; of a dry run the whole card before it.
pub fn told(run: &Run) -> String {
    let mut lines = Vec::new();
    if run.outcome == Outcome::DryRun {
        lines.extend(run.plan.iter().flat_map(plan));
        lines.extend(guards(run));
    }
    let what = format!("{} {} in {}", run.operation.name, run.target, run.environment);
    let told = if run.reasons.is_empty() { String::new() } else { format!(": {}", run.reasons.join("; ")) };
    let note = match run.outcome {
        Outcome::DryRun if run.is_blocked() => ", nothing was sent; blocked",
        Outcome::DryRun => ", nothing was sent; nothing blocks it",
        _ => "",
    };
    lines.push(format!("{} {what}{note}{told}", run.outcome.word()));
    match (&run.plan, run.outcome) {
        (Some(plan), Outcome::Verified) => lines.extend(after(plan)),
        (Some(plan), _) if run.exit_code() == 5 => {
            lines.push(line("if wrong", &plan.if_wrong));
            lines.extend(after(plan));
        }
        _ => {}
    }
    lines.push(line("audit", &format!("tierdeck audit show {}", run.audit.action)));
    lines.join("\n") + "\n"
}

fn line(label: &str, text: &str) -> String {
    format!("{label:<9}{text}")
}

fn plan(plan: &PlanReport) -> Vec<String> {
    let mut lines = vec![line("plan", &format!("{} ({})", plan.hash, plan.risk))];
    for (number, step) in (1..).zip(&plan.steps) {
        lines.push(line(&format!("step {number}"), &step.text));
        lines.push(line("", &step.request));
        lines.push(line("same as", &step.same_as));
    }
    for ((name, before), (_, after)) in plan.before.0.iter().zip(&plan.after.0) {
        lines.push(line("change", &format!("{name}: {before} -> {after}")));
    }
    let times = format!("about {} s, at most {} s", plan.expected_seconds, plan.deadline_seconds);
    lines.push(line("expected", &format!("{times}: {}", plan.verify)));
    lines.push(line("if wrong", &plan.if_wrong));
    lines.extend(after(plan));
    lines
}

/// The way back, and what is left to be put back.
fn after(plan: &PlanReport) -> Vec<String> {
    let back = plan.backout.iter().map(|back| line("backout", &format!("{} ({})", back.text, back.operation)));
    back.chain(plan.debts.iter().map(|debt| line("debt", debt))).collect()
}

fn guards(run: &Run) -> Vec<String> {
    let one = |guard: &crate::report::run::GuardReport| {
        let hint = guard.hint.as_ref().map_or_else(String::new, |hint| format!(" -> {hint}"));
        line(guard.verdict, &format!("{}: {}{hint}", guard.id, guard.text))
    };
    run.guards.iter().map(one).collect()
}
