//! The systems of the environment that can be operated, opened when they are first needed and pinned for the session: a
//! kubeconfig that changes on the disk meanwhile does not lead anywhere else (facts/trust.md A3 row 4).

use std::collections::BTreeMap;

use tokio::sync::OnceCell;

use super::endpoint::Endpoints;
use crate::clients::aws::read::operated::Operated;
use crate::clients::aws::read::{Connection as AwsConnection, Options};
use crate::clients::aws::write::Writer as AwsWriter;
use crate::clients::egress::Egress;
use crate::clients::kube::write::Writer as KubeWriter;
use crate::clients::kube::{Connection, Connector};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::settings::{AwsSettings, KubernetesSettings, Settings};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Clients for reading and, apart from them, for writing.
pub struct Systems {
    kubernetes: Option<Cluster>,
    /// By region.
    aws: BTreeMap<String, Account>,
    endpoints: Endpoints,
    egress: Egress,
}

struct Cluster {
    settings: KubernetesSettings,
    read: OnceCell<Connection>,
    write: OnceCell<KubeWriter>,
}

struct Account {
    settings: AwsSettings,
    connection: OnceCell<AwsConnection>,
}

impl Systems {
    /// Nothing is opened yet. Several clusters in one environment cannot be told apart by a component: none is operated.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let kubernetes = match settings.kubernetes.as_slice() {
            [one] => Some(Cluster { settings: one.clone(), read: OnceCell::new(), write: OnceCell::new() }),
            _ => None,
        };
        let account = |settings: &AwsSettings| {
            (settings.region.clone(), Account { settings: settings.clone(), connection: OnceCell::new() })
        };
        let egress = if settings.egress.loopback_only { Egress::LoopbackOnly } else { Egress::Open };
        let endpoints = Endpoints::new(&settings.probe, egress);
        Self { kubernetes, aws: settings.aws.iter().map(account).collect(), endpoints, egress }
    }

    /// The doors of the databases.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    fn cluster(&self) -> Result<&Cluster, Fault> {
        self.kubernetes.as_ref().ok_or_else(|| {
            Fault::new(
                FaultKind::Usage,
                Shown::fixed("it is not clear which cluster this is"),
                Shown::fixed("operate with a configuration that names exactly one [[kubernetes]]"),
            )
        })
    }

    /// # Errors
    /// Any [`Fault`] of connecting.
    pub async fn cluster_to_read(&self) -> Result<&Connection, Fault> {
        let cluster = self.cluster()?;
        cluster
            .read
            .get_or_try_init(|| async { Connector::new(cluster.settings.clone(), self.egress).connect().await })
            .await
    }

    /// # Errors
    /// Any [`Fault`] of connecting.
    pub async fn cluster_to_write(&self) -> Result<&KubeWriter, Fault> {
        let cluster = self.cluster()?;
        cluster
            .write
            .get_or_try_init(|| async {
                KubeWriter::open(&Connector::new(cluster.settings.clone(), self.egress)).await
            })
            .await
    }

    /// Where changes of the cluster go, once it is open for them.
    #[must_use]
    pub fn server(&self) -> Option<&Raw> {
        self.kubernetes.as_ref()?.write.get().map(KubeWriter::server)
    }

    #[must_use]
    pub const fn egress(&self) -> Egress {
        self.egress
    }

    /// What the clients of a region's account share.
    ///
    /// # Errors
    /// Any [`Fault`] of preparing it.
    pub async fn account(&self, region: &str) -> Result<&AwsConnection, Fault> {
        let account = self.aws.get(region).ok_or_else(|| {
            Fault::new(
                FaultKind::Usage,
                shown!("no account is configured for {}", Raw::new(region)),
                Shown::fixed("name it in [[aws]]"),
            )
        })?;
        let settings = &account.settings;
        let fixed = settings.access_key_id.clone().zip(settings.secret_access_key.clone());
        let options = Options {
            region: settings.region.clone(),
            profile: settings.profile.clone(),
            endpoint_url: settings.endpoint_url.clone(),
            fixed,
            egress: self.egress,
        };
        account.connection.get_or_try_init(|| async { AwsConnection::open(&options).await }).await
    }

    /// # Errors
    /// Any [`Fault`] of preparing the client.
    pub async fn aws_to_read(&self, region: &str) -> Result<Operated, Fault> {
        self.account(region).await.map(Operated::new)
    }

    /// Changes of AWS are held to the embedded world until they have been proved against the real one.
    ///
    /// # Errors
    /// [`FaultKind::Usage`] outside the embedded world; any [`Fault`] of preparing the client.
    pub async fn aws_to_write(&self, region: &str) -> Result<AwsWriter, Fault> {
        if self.egress == Egress::Open {
            return Err(Fault::new(
                FaultKind::Usage,
                Shown::fixed("this version changes nothing of AWS outside of the embedded world"),
                Shown::fixed("use the command on the card"),
            ));
        }
        self.account(region).await.map(AwsWriter::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words reach the card before anything is opened; Kubernetes has no such refusal.
    #[tokio::test]
    async fn aws_is_changed_in_the_embedded_world_alone() {
        let real: Settings = toml::from_str("[[aws]]\nname = \"aws\"\nregion = \"eu-west-1\"\n").unwrap();
        let refused = Systems::new(&real).aws_to_write("eu-west-1").await.err().unwrap();
        assert!(refused.what.as_str().contains("nothing of AWS outside of the embedded world"), "{}", refused.what);
        let missing = Systems::new(&real).cluster_to_write().await.err().unwrap();
        assert!(missing.what.as_str().contains("which cluster"), "{}", missing.what);
    }
}
