//! EC2 Auto Scaling: groups, their instances, what they did.

use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;

use super::pages::pages;
use super::{Connection, millis, text, texts};
use crate::clients::aws::cap::Cap;
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub min: i32,
    pub max: i32,
    pub desired: i32,
    pub zones: Vec<String>,
    pub instances: Vec<Instance>,
    /// Tags as `key=value`.
    pub tags: Vec<String>,
    pub suspended: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub id: String,
    pub zone: String,
    /// `InService`, `Pending`, `Terminating:Wait`, `Standby`, ...
    pub lifecycle: String,
    pub healthy: bool,
    pub instance_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub id: String,
    pub group: String,
    pub description: String,
    pub cause: String,
    /// `Successful`, `Failed`, `InProgress`, ...
    pub status: String,
    pub at: i64,
}

pub struct AutoScaling {
    client: Client,
    heartbeat: Client,
    place: Place,
}

impl AutoScaling {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: client(&connection.panel),
            heartbeat: client(&connection.heartbeat),
            place: connection.place.clone(),
        }
    }

    /// # Errors
    /// The [`Fault`] of the first page that failed, or of a listing without end.
    pub async fn groups(&self) -> Result<Vec<Group>, Fault> {
        const ACTION: &str = "autoscaling:DescribeAutoScalingGroups";
        pages(&self.place, ACTION, async |token| {
            let page = self.client.describe_auto_scaling_groups().set_next_token(token).send().await;
            let page = page.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok((page.auto_scaling_groups().iter().map(group).collect(), page.next_token().map(str::to_owned)))
        })
        .await
    }

    /// The newest activities of all groups, at most a hundred.
    ///
    /// # Errors
    /// The [`Fault`] of the call.
    pub async fn activities(&self) -> Result<Vec<Activity>, Fault> {
        let answer = self
            .client
            .describe_scaling_activities()
            .max_records(100)
            .send()
            .await
            .map_err(|e| fault::of(&self.place, "autoscaling:DescribeScalingActivities", &e))?;
        let told = answer.activities().iter();
        Ok(told
            .filter_map(|activity| {
                Some(Activity {
                    id: text(activity.activity_id()),
                    group: text(activity.auto_scaling_group_name()),
                    description: text(activity.description()),
                    cause: text(activity.cause()),
                    status: text(
                        activity.status_code().map(aws_sdk_autoscaling::types::ScalingActivityStatusCode::as_str),
                    ),
                    at: millis(activity.start_time())?,
                })
            })
            .collect())
    }

    /// Whether the service answers us.
    ///
    /// # Errors
    /// The [`Fault`] that a read would meet now.
    pub async fn alive(&self) -> Result<(), Fault> {
        let answer = self.heartbeat.describe_auto_scaling_groups().max_records(1).send().await;
        answer.map(|_| ()).map_err(|e| fault::of(&self.place, "autoscaling:DescribeAutoScalingGroups", &e))
    }
}

fn group(group: &aws_sdk_autoscaling::types::AutoScalingGroup) -> Group {
    let instances = group.instances().iter().map(|instance| Instance {
        id: text(instance.instance_id()),
        zone: text(instance.availability_zone()),
        lifecycle: text(instance.lifecycle_state().map(aws_sdk_autoscaling::types::LifecycleState::as_str)),
        healthy: instance.health_status() == Some("Healthy"),
        instance_type: text(instance.instance_type()),
    });
    let tags = group.tags().iter().map(|tag| format!("{}={}", text(tag.key()), text(tag.value())));
    Group {
        name: text(group.auto_scaling_group_name()),
        min: group.min_size().unwrap_or_default(),
        max: group.max_size().unwrap_or_default(),
        desired: group.desired_capacity().unwrap_or_default(),
        zones: texts(group.availability_zones()),
        instances: instances.collect(),
        tags: tags.collect(),
        suspended: group.suspended_processes().iter().map(|p| text(p.process_name())).collect(),
    }
}

fn client(shared: &SdkConfig) -> Client {
    Client::from_conf(aws_sdk_autoscaling::config::Builder::from(shared).interceptor(Cap).build())
}
