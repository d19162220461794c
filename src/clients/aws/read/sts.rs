//! STS: who we are.

use aws_config::SdkConfig;
use aws_sdk_sts::Client;

use super::{Connection, text};
use crate::clients::aws::cap::Cap;
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

/// Whom AWS sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account: String,
    pub arn: String,
}

pub struct Sts {
    client: Client,
    heartbeat: Client,
    place: Place,
}

impl Sts {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: client(&connection.panel),
            heartbeat: client(&connection.heartbeat),
            place: connection.place.clone(),
        }
    }

    /// # Errors
    /// The [`Fault`] of the call.
    pub async fn caller(&self) -> Result<Caller, Fault> {
        let answer = self
            .client
            .get_caller_identity()
            .send()
            .await
            .map_err(|e| fault::of(&self.place, "sts:GetCallerIdentity", &e))?;
        Ok(Caller { account: text(answer.account()), arn: text(answer.arn()) })
    }

    /// Whether the service answers us.
    ///
    /// # Errors
    /// The [`Fault`] that a read would meet now.
    pub async fn alive(&self) -> Result<(), Fault> {
        let answer = self.heartbeat.get_caller_identity().send().await;
        answer.map(|_| ()).map_err(|e| fault::of(&self.place, "sts:GetCallerIdentity", &e))
    }
}

fn client(shared: &SdkConfig) -> Client {
    Client::from_conf(aws_sdk_sts::config::Builder::from(shared).interceptor(Cap).build())
}
