//! Orders that come through AWS' calls.

use crate::demo::world::World;
use crate::demo::world::operations::cache::Wish;

/// A request to change something.
#[derive(Clone, Debug)]
pub enum Order {
    Reboot {
        database: String,
        failover: bool,
    },
    /// Of an Aurora cluster, to a reader that is named or chosen.
    FailOver {
        cluster: String,
        target: Option<String>,
    },
    ModifyCache(Wish),
    TestFailover,
}

/// Code and sentence of a refusal.
pub type Refusal = (&'static str, String);

impl World {
    /// Carries out an order, or says why not.
    ///
    /// # Errors
    /// As the service refuses.
    pub fn order(&mut self, order: &Order) -> Result<(), Refusal> {
        let (seed, now) = (self.model.seed, self.now);
        let operations = &mut self.model.operations;
        let deaf = operations.deaf;
        let words = |(code, sentence): (&'static str, &'static str)| (code, sentence.to_owned());
        match order {
            Order::Reboot { database, failover } => {
                let known = operations.databases.iter_mut().find(|instance| instance.name() == database);
                let none = || ("DBInstanceNotFound", format!("DBInstance {database} not found."));
                let instance = known.ok_or_else(none)?;
                instance.may_reboot(now, *failover).map_err(words)?;
                if !deaf {
                    let abandon = *failover && std::mem::take(&mut operations.abandon_next);
                    instance.reboot(seed, now, *failover, abandon);
                }
            }
            Order::FailOver { cluster, target } => {
                let known = operations.aurora.iter_mut().find(|known| known.store.name == cluster);
                let none = || ("DBClusterNotFoundFault", format!("DBCluster {cluster} not found."));
                let known = known.ok_or_else(none)?;
                let reader = known.choose(target.as_deref(), now)?;
                if !deaf {
                    let abandon = std::mem::take(&mut operations.abandon_next);
                    known.fail_over(seed, now, reader, abandon);
                }
            }
            Order::ModifyCache(wish) => {
                operations.cache.may_change(now, wish).map_err(words)?;
                if !deaf {
                    operations.cache.change(now, wish);
                }
            }
            Order::TestFailover => {
                operations.cache.may_test(now).map_err(words)?;
                if !deaf {
                    operations.cache.test(now);
                }
            }
        }
        self.follow();
        Ok(())
    }

    /// The next failover of a database is abandoned, as if one had happened shortly before.
    pub fn abandon_failover(&mut self) {
        self.model.operations.abandon_next = true;
    }

    /// From now on what is written to `kubernetes` or `aws` is taken and nothing comes of it; or again something does.
    /// False when there is no such server.
    pub fn ignore_writes(&mut self, server: &str, ignore: bool) -> bool {
        match server {
            "kubernetes" => self.model.operations.asleep = ignore,
            "aws" | "rds" | "elasticache" => self.model.operations.deaf = ignore,
            _ => return false,
        }
        true
    }
}
