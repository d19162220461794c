//! A Prometheus behind the service proxy of an API server.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, header};
use kube::client::Body;
use tokio::sync::OnceCell;

use super::{Connection, Connector};
use crate::clients::egress::Egress;
use crate::clients::prometheus::read::LARGEST;
use crate::clients::prometheus::{Answer, ProxyTransport};
use crate::clients::web::date;
use crate::domain::error::Fault;
use crate::domain::settings::{KubernetesSettings, ServiceProxy};

/// An answer that takes longer is none.
const DEADLINE: Duration = Duration::from_secs(10);

/// Connects when first asked, and stays connected.
pub struct Proxy {
    connector: Connector,
    service: ServiceProxy,
    connection: OnceCell<Connection>,
}

impl Proxy {
    #[must_use]
    pub fn new(cluster: KubernetesSettings, service: ServiceProxy, egress: Egress) -> Self {
        Self { connector: Connector::new(cluster, egress), service, connection: OnceCell::new() }
    }

    async fn exchange(&self, method: Method, path: &str, form: &[(&'static str, String)]) -> Result<Answer, Fault> {
        let connection = self.connection.get_or_try_init(|| self.connector.connect()).await?;
        let path = format!("{}{path}", super::read::proxy_base(&self.service));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request =
            Request::builder().method(method.clone()).uri(path).header(header::ACCEPT, "application/json");
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::from(body.into_bytes())).map_err(|_| connection.unusable())?;
        let exchange = connection.exchange(request, LARGEST);
        match tokio::time::timeout(DEADLINE, exchange).await {
            Ok(answer) => answer.map(answer_of),
            Err(_) => Err(connection.silent(DEADLINE)),
        }
    }
}

fn answer_of(response: http::Response<Bytes>) -> Answer {
    let header = |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    Answer {
        status: response.status().as_u16(),
        content_type: header(header::CONTENT_TYPE).unwrap_or_default().to_owned(),
        retry_after: header(header::RETRY_AFTER).and_then(|value| value.parse().ok()).map(Duration::from_secs),
        date: header(header::DATE).and_then(date),
        body: response.into_body(),
    }
}

impl ProxyTransport for Proxy {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(self.exchange(Method::GET, path, &[]))
    }

    fn post_form<'a>(
        &'a self,
        path: &'a str,
        form: &'a [(&'static str, String)],
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(self.exchange(Method::POST, path, form))
    }
}
