//! `tierdeck run OPERATION TARGET [ARGS…]`: the operation of a card without the card. Same plan, guards, door and
//! verification; the flags confirm it.

mod text;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::{Failure, Global, NOT_CONFIRMED, out, places};
use crate::domain::text::Shown;
use crate::operation::registry::Unclear;
use crate::operation::verb::Verb;
use crate::report::run::Run;
use crate::runtime::launch::Headless;
use crate::runtime::run::{self, Flags, Stopped};
use crate::state::typed::Order;

#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// What to do
    #[arg(value_name = "OPERATION", value_parser = operations())]
    operation: String,
    /// NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME, as `status --json` names it
    #[arg(value_name = "TARGET")]
    target: String,
    /// REVISION (rollback), N (scale), MIN MAX (bounds), CANDIDATE (failover) or POD (evict)
    #[arg(value_name = "ARGS")]
    parameters: Vec<String>,
    /// Plan it and evaluate every guard, but send nothing
    #[arg(long)]
    dry_run: bool,
    /// Why, for the audit trail; needed in a production environment
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The target's name and its environment; needed for all but what makes it safer
    #[arg(long, value_name = "NAME@ENV")]
    confirm: Option<String>,
    /// One JSON document (schema 1), and no progress
    #[arg(long)]
    json: bool,
}

/// The operations, each with what it does: completion offers them.
fn operations() -> PossibleValuesParser {
    PossibleValuesParser::new(Verb::ALL.map(|verb| PossibleValue::new(verb.name()).help(verb.doc())))
}

pub fn run(global: &Global, args: &RunArgs) -> Result<u8, Failure> {
    let order = Order::read(&args.operation, &args.target, &args.parameters.join(" "))
        .map_err(|complaint| Failure::usage(format!("{} {}: {}", args.operation, args.target, complaint.as_str())))?;
    let settings = places::settings(global)?;
    let _log = crate::runtime::log::start(&places::state_folder(global, &settings));
    let actor = places::actor(global, &settings, "run");
    let mut headless = Headless::operating(&settings, actor).map_err(Failure::error)?;
    let is_told = !args.json;
    let mut tell = |line: &Shown| {
        if is_told {
            out::tell(line);
        }
    };
    let found = run::find(&mut headless, &settings, &order, &mut tell);
    let request = found.map_err(|stopped| {
        headless.end("nothing to operate on");
        failure(stopped)
    })?;
    let flags = Flags { reason: args.reason.clone(), confirm: args.confirm.clone(), dry_run: args.dry_run };
    let ended = run::carry_out(&mut headless, request, &flags, &mut tell);
    let stream = headless.end("the run ended");
    let state = headless.state();
    let report = ended.and_then(|(id, ending)| {
        let machine = state.operations.desk.get(&id)?;
        Some(Run::new(&state.operations.place, machine, &ending, headless.clocks().now(), stream))
    });
    let report = report.ok_or_else(|| Failure::error("the operation could not be opened; nothing was sent"))?;
    if args.json {
        out::json(&report)?;
    } else {
        out::write(&text::told(&report))?;
    }
    Ok(report.exit_code())
}

fn failure(stopped: Stopped) -> Failure {
    match stopped {
        Stopped::Unclear(Unclear { what, candidates, .. }) => {
            let mut lines = vec![what.as_str().to_owned()];
            lines.extend(candidates.iter().map(|candidate| candidate.as_str().to_owned()));
            Failure::usage(lines.join("\n"))
        }
        Stopped::Unknown(why) => Failure::error(why.as_str()),
        Stopped::Signal(signal) => {
            Failure { code: NOT_CONFIRMED, message: format!("{signal}: nothing was planned or sent") }
        }
    }
}
