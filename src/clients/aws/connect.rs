//! One shared SDK configuration per profile and region (facts/aws.md 3.1 to 3.3).

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};

use crate::clients::egress::Egress;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};

/// One attempt of a panel's read, and all of them together (facts/aws.md 3.3: the SDK has no such limits by default).
const ATTEMPT: Duration = Duration::from_secs(5);
const OPERATION: Duration = Duration::from_secs(15);
/// A heartbeat is asked once and must not take longer than this.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// Off EC2 the metadata service is silent: one short attempt, so that a chain without credentials ends quickly.
const METADATA: Duration = Duration::from_secs(1);

/// Where to connect and as whom.
#[derive(Clone, Debug)]
pub struct Options {
    pub region: String,
    /// Default: `AWS_PROFILE`, else `default`.
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// Access key id and secret; only with [`Egress::LoopbackOnly`].
    pub fixed: Option<(String, String)>,
    pub egress: Egress,
}

/// What the clients of one account and region share: credentials are resolved once for all of them.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(super) panel: SdkConfig,
    pub(super) heartbeat: SdkConfig,
    pub(super) place: Place,
}

/// The words that faults and provenance need.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub region: String,
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
}

impl Connection {
    /// Prepares the configuration; nothing is sent yet, and credentials are resolved by the first call.
    ///
    /// # Errors
    /// [`FaultKind::Usage`] when the options contradict what this run may do.
    pub async fn open(options: &Options) -> Result<Self, Fault> {
        let base = match options.egress {
            Egress::LoopbackOnly => held(options)?,
            Egress::Open if options.fixed.is_some() => {
                return Err(usage(
                    "fixed AWS credentials are for embedded worlds only",
                    "remove access_key_id and secret_access_key; use a profile",
                ));
            }
            Egress::Open => chained(options).await,
        };
        let base = base.to_builder().app_name(AppName::new("tierdeck").map_err(|_| nameless())?).build();
        // Only reads: one that failed may be asked again. The SDK draws the wait at random.
        let panel = base
            .to_builder()
            .timeout_config(
                TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .build();
        let heartbeat = base
            .to_builder()
            .timeout_config(TimeoutConfig::builder().operation_timeout(HEARTBEAT).build())
            .retry_config(RetryConfig::disabled())
            .build();
        let place = Place {
            region: options.region.clone(),
            profile: options.profile.clone(),
            endpoint_url: options.endpoint_url.clone(),
        };
        Ok(Self { panel, heartbeat, place })
    }

    /// The credentials that the chain gives now: what must not be written anywhere.
    pub async fn secrets(&self) -> Vec<String> {
        let Some(provider) = self.panel.credentials_provider() else { return Vec::new() };
        let Ok(credentials) = provider.provide_credentials().await else { return Vec::new() };
        let id = Some(credentials.access_key_id());
        let all = [id, Some(credentials.secret_access_key()), credentials.session_token()];
        all.into_iter().flatten().map(str::to_owned).collect()
    }

    #[must_use]
    pub fn region(&self) -> &str {
        &self.place.region
    }

    /// The address of a service by its endpoint prefix (`monitoring`, `rds`).
    #[must_use]
    pub fn endpoint(&self, prefix: &str) -> Raw {
        match &self.place.endpoint_url {
            Some(url) => Raw::new(url),
            None => Raw::from(format!("https://{prefix}.{}.amazonaws.com", self.place.region)),
        }
    }
}

/// The name by which an account's owner finds us in CloudTrail (`app/tierdeck` in the user agent) is a constant.
fn nameless() -> Fault {
    usage("the AWS SDK does not take our name", "this is a defect of tierdeck")
}

fn usage(what: &'static str, hint: &'static str) -> Fault {
    Fault::new(FaultKind::Usage, Shown::fixed(what), Shown::fixed(hint))
}

/// Fixed credentials and a loopback endpoint; nothing is taken from the environment or from files.
fn held(options: &Options) -> Result<SdkConfig, Fault> {
    let Some(url) = &options.endpoint_url else {
        return Err(usage(
            "an AWS source without endpoint_url would leave loopback",
            "give endpoint_url, or remove egress.loopback_only",
        ));
    };
    let host = url.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    options.egress.check(&host)?;
    let Some((id, secret)) = &options.fixed else {
        return Err(usage(
            "an AWS source held to loopback needs fixed credentials",
            "give access_key_id and secret_access_key",
        ));
    };
    let credentials = Credentials::new(id, secret, None, None, "configuration");
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(options.region.clone()))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build())
}

/// The named profile and nothing else, so that a mistyped name cannot become the machine's own role; without a name the
/// default chain: environment, `AWS_PROFILE`, web identity, container, instance.
async fn chained(options: &Options) -> SdkConfig {
    let region = Region::new(options.region.clone());
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region.clone());
    loader = match &options.profile {
        Some(profile) => {
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&ProviderConfig::default().with_region(Some(region)))
                .profile_name(profile)
                .build();
            loader.profile_name(profile).credentials_provider(provider)
        }
        None => {
            let metadata = aws_config::imds::Client::builder()
                .max_attempts(1)
                .connect_timeout(METADATA)
                .read_timeout(METADATA)
                .operation_timeout(METADATA * 2)
                .build();
            let chain = DefaultCredentialsChain::builder().region(region).imds_client(metadata);
            loader.credentials_provider(chain.build().await)
        }
    };
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}
