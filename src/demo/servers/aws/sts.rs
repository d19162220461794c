//! STS (2011-06-15): who the caller is.

use super::failure::Failure;
use super::xml::Xml;
use super::{Ask, Operation};

pub const OPERATIONS: &[Operation] = &[Operation::reading("GetCallerIdentity", caller_identity)];

fn caller_identity(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    xml.text("Arn", ask.caller.arn);
    xml.text("UserId", "AIDADEMOTIERDECK0001");
    xml.text("Account", ask.caller.account);
    Ok(())
}
