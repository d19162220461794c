//! The requests that change something: a closed list per system. What is here is exactly what is sent, once.

pub mod aws;
pub mod kube;
pub mod shell;

use sha2::{Digest, Sha256};

pub use aws::AwsMutation;
pub use kube::{KubeMutation, Patch, Precondition, Resource};

use crate::domain::text::Shown;
use crate::shown;

/// One request that changes production.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    Kube(KubeMutation),
    Aws(AwsMutation),
}

impl Mutation {
    /// `PATCH /apis/apps/v1/…` or `rds:RebootDBInstance`, for the journal and the card's detail.
    #[must_use]
    pub fn summary(&self) -> Shown {
        match self {
            Self::Kube(mutation) => shown!("{} {}", mutation.verb(), Shown::of(&mutation.path())),
            Self::Aws(mutation) => shown!("{}:{}", mutation.service(), mutation.action()),
        }
    }

    /// Everything that is sent, as one text: what the plan hash covers.
    #[must_use]
    pub fn canonical(&self) -> String {
        match self {
            Self::Kube(mutation) => {
                format!("{} {} {}\n{}", mutation.verb(), mutation.path(), mutation.content_type(), mutation.body())
            }
            Self::Aws(mutation) => {
                let pairs = mutation.parameters().into_iter().map(|(name, value)| format!("{name}={value}"));
                let pairs: Vec<_> = pairs.collect();
                format!(
                    "{}:{} {} {}",
                    mutation.service(),
                    mutation.action(),
                    mutation.region().as_str(),
                    pairs.join("&")
                )
            }
        }
    }

    /// SHA-256 of [`Self::canonical`], hexadecimal. The journal keeps this beside a redacted body: templates may hold
    /// secrets in their environment variables.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.canonical()))
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
