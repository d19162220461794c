//! `tierdeck completion SHELL`.

use clap::CommandFactory;

use super::{Cli, Failure, OK, out};

pub fn run(shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tierdeck", &mut script);
    out::write(&String::from_utf8_lossy(&script))?;
    Ok(OK)
}
