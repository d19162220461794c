//! The systems of the environment that can be operated, opened when they are first needed and pinned for the session: a
//! kubeconfig that changes on the disk meanwhile does not lead anywhere else (facts/trust.md A3 row 4).

use std::collections::BTreeMap;

use tokio::sync::OnceCell;

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
        Self { kubernetes, aws: settings.aws.iter().map(account).collect(), egress }
    }

    /// Changes are held to the embedded world until they have been proved against real servers.
    fn released(&self) -> Result<(), Fault> {
        match self.egress {
            Egress::LoopbackOnly => Ok(()),
            Egress::Open => Err(Fault::new(
                FaultKind::Usage,
                Shown::fixed("this version changes nothing outside of the embedded world"),
                Shown::fixed("use the command on the card"),
            )),
        }
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
        self.released()?;
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

    /// # Errors
    /// Any [`Fault`] of preparing the client.
    pub async fn aws_to_write(&self, region: &str) -> Result<AwsWriter, Fault> {
        self.released()?;
        self.account(region).await.map(AwsWriter::new)
    }
}
