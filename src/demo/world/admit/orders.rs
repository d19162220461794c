//! Orders that come through AWS' calls.

use crate::demo::world::World;
use crate::demo::world::operations::cache::Wish;
use crate::demo::world::spec;

/// A request to change something.
#[derive(Clone, Debug)]
pub enum Order {
    Reboot { database: String, failover: bool },
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
                let index = spec::DATABASES.iter().position(|d| d.id == database);
                let instance = index.and_then(|index| operations.databases.get_mut(index));
                let instance =
                    instance.ok_or_else(|| ("DBInstanceNotFound", format!("DBInstance {database} not found.")))?;
                instance.may_reboot(now, *failover).map_err(words)?;
                if !deaf {
                    let abandon = *failover && std::mem::take(&mut operations.abandon_next);
                    instance.reboot(seed, now, *failover, abandon);
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
