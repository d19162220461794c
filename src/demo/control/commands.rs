//! The control commands of `demo --serve`.

use crate::demo::servers::fault::Fault;
use crate::demo::world::World;

use super::{Demo, files};

/// The fastest that the world may be run at.
const MAX_SPEED: f64 = 1000.0;

/// Does what the line says. The answer, or what is wrong with the line.
pub fn apply(demo: &Demo, line: &str) -> Result<String, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["scenario", name] => {
            demo.production.set_scenario(name).map_err(|error| error.to_string())?;
            Ok(format!("ok scenario {name}"))
        }
        ["speed", speed] => {
            let rate = speed.parse().ok().filter(|rate| *rate > 0.0 && *rate <= MAX_SPEED);
            let rate: f64 =
                rate.ok_or_else(|| format!("speed {speed:?} is not a number above 0 and up to {MAX_SPEED}"))?;
            let clock = demo.production.set_rate(rate);
            let origin = format!("origin {} world {}", clock.origin, clock.world);
            files::rewrite_clock(&demo.endpoints, &demo.production, &demo.running)
                .map_err(|error| format!("speed is {rate} now, but the config could not be rewritten: {error}"))?;
            Ok(format!("ok speed {rate} {origin}"))
        }
        ["requests"] => {
            let seen = serde_json::to_string(&demo.running.requests.all()).map_err(|error| error.to_string())?;
            Ok(format!("ok requests {seen}"))
        }
        ["abandon-failover"] => {
            demo.production.change(World::abandon_failover);
            Ok("ok abandon-failover".to_owned())
        }
        [verb @ ("ignore-writes" | "heed-writes"), server] => {
            let known = demo.production.change(|world| world.ignore_writes(server, *verb == "ignore-writes"));
            if known { Ok(format!("ok {verb} {server}")) } else { Err(format!("nothing is written to {server:?}")) }
        }
        ["undo"] => {
            let what = demo.production.change(World::take_back)?;
            Ok(format!("ok undo {what}"))
        }
        [verb @ ("withhold" | "answer"), server @ ("kubernetes" | "aws" | "alertmanager")] => {
            demo.running.requests.withhold(server, *verb == "withhold");
            Ok(format!("ok {verb} {server}"))
        }
        [verb, server] => {
            let fault = Fault::from_verb(verb).ok_or_else(|| unknown(line))?;
            demo.running.faults.set(server, fault)?;
            Ok(format!("ok {verb} {server}"))
        }
        _ => Err(unknown(line)),
    }
}

fn unknown(line: &str) -> String {
    format!(
        "{:?} is no command; use stop, start, hang, refuse, 401, 403, 429, 500, truncate, ignore-writes, heed-writes, \
         withhold or answer with a SERVER, scenario NAME, speed X, requests, undo or abandon-failover",
        line.trim()
    )
}
