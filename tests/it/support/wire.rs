//! Requests as curl would send them: nothing here knows the program's clients.

use std::collections::HashMap;

use serde_json::Value;
use tierdeck::demo::Demo;

/// A plain HTTP client of a world's servers that asks no question twice.
pub struct Wire {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    prometheus: String,
    kubernetes: String,
    token: String,
    aws: String,
    answers: HashMap<String, String>,
}

impl Wire {
    pub fn to(demo: &Demo) -> Self {
        let endpoints = demo.endpoints();
        let kubeconfig = std::fs::read_to_string(&endpoints.kubeconfig).expect("a kubeconfig");
        let field = |name: &str| {
            let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix(name));
            line.expect("a field of the kubeconfig").trim().to_owned()
        };
        Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
            prometheus: endpoints.prometheus.clone(),
            kubernetes: field("server:"),
            token: field("token:"),
            aws: endpoints.env["AWS_ENDPOINT_URL"].clone(),
            answers: HashMap::new(),
        }
    }

    /// `GET /api/v1/query` at a time in milliseconds.
    pub fn promql(&mut self, query: &str, at: i64) -> Result<Value, String> {
        let time = format!("{}.{:03}", at.div_euclid(1000), at.rem_euclid(1000));
        let url = format!("{}/api/v1/query", self.prometheus);
        let request = self.client.get(url).query(&[("query", query), ("time", &time)]);
        self.ask(format!("promql {time} {query}"), request)
    }

    /// `GetMetricData` in awsJson 1.0.
    pub fn metric_data(&mut self, region: &str, body: &str) -> Result<Value, String> {
        let scope = format!("AKIADEMO/20261116/{region}/monitoring/aws4_request");
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let request = self
            .client
            .post(&self.aws)
            .header("X-Amz-Target", "GraniteServiceVersion20100801.GetMetricData")
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("Authorization", signed)
            .body(body.to_owned());
        self.ask(format!("cloudwatch {region} {body}"), request)
    }

    /// `DescribeTargetHealth` by the awsQuery protocol: the state of every target of a group.
    pub fn target_states(&mut self, group: &str) -> Result<Vec<String>, String> {
        let form = [("Action", "DescribeTargetHealth"), ("Version", "2015-12-01"), ("TargetGroupArn", group)];
        let scope = "AKIADEMO/20261116/eu-west-1/elasticloadbalancing/aws4_request";
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let request = self.client.post(&self.aws).header("Authorization", signed).form(&form);
        let answer = self.text(format!("targets {group}"), request)?;
        let state = |one: &str| Some(one.split_once("<State>")?.1.split_once("</State>")?.0.to_owned());
        Ok(answer.split("<TargetHealth>").skip(1).filter_map(state).collect())
    }

    /// `GET` of a path of the Kubernetes API.
    pub fn kubernetes(&mut self, path: &str) -> Result<Value, String> {
        let request = self.client.get(format!("{}{path}", self.kubernetes)).bearer_auth(&self.token);
        self.ask(format!("kubernetes {path}"), request)
    }

    fn ask(&mut self, question: String, request: reqwest::RequestBuilder) -> Result<Value, String> {
        let text = self.text(question, request)?;
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }

    fn text(&mut self, question: String, request: reqwest::RequestBuilder) -> Result<String, String> {
        if let Some(known) = self.answers.get(&question) {
            return Ok(known.clone());
        }
        let answer = self.runtime.block_on(async {
            let response = request.send().await.map_err(|error| error.to_string())?;
            let status = response.status();
            let text = response.text().await.map_err(|error| error.to_string())?;
            if status.is_success() { Ok(text) } else { Err(format!("{status}: {text}")) }
        })?;
        self.answers.insert(question, answer.clone());
        Ok(answer)
    }
}
