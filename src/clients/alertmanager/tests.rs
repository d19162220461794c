use serde_json::json;

use super::read::AlertmanagerClient;
use crate::clients::egress::Egress;
use crate::clients::testing::{Seen, beside, json as json_answer};
use crate::clients::web::Site;
use crate::domain::error::FaultKind;

fn client(url: String) -> AlertmanagerClient {
    AlertmanagerClient::new(&Site { what: "alertmanager", url, ..Site::default() }, Egress::LoopbackOnly).unwrap()
}

#[tokio::test]
async fn alerts_of_old_and_new_servers() {
    let answer = |seen: Seen| match seen.path.as_str() {
        "/api/v2/status" => json_answer(
            200,
            &json!({"cluster": {"status": "ready"}, "config": {"original": "secret"},
                "versionInfo": {"version": "0.25.0", "branch": ""}, "uptime": ""}),
        ),
        "/api/v2/alerts" => json_answer(
            200,
            &json!([{"labels": {"alertname": "A"}, "annotations": {}, "fingerprint": "f1", "startsAt": "2026-01-01T00:00:00Z",
                "endsAt": "", "updatedAt": "", "receivers": [], "generatorURL": "",
                "status": {"state": "suppressed", "silencedBy": ["s"], "inhibitedBy": [], "mutedBy": []}}]),
        ),
        path => panic!("{path}"),
    };
    beside(answer, async |url| {
        let client = client(url);
        assert_eq!(client.version().await, Ok("0.25.0".into()));
        let alerts = client.alerts().await.unwrap();
        assert_eq!((alerts.len(), alerts[0].status.silenced_by.len()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn both_shapes_of_error_are_told() {
    for (status, body) in
        [(400, json!("bad matcher format: bad")), (422, json!({"code": 602, "message": "bad matcher format: bad"}))]
    {
        let fault =
            beside(move |_| json_answer(status, &body), async |url| client(url).alerts().await).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Usage);
        assert!(fault.what.as_str().ends_with("bad matcher format: bad"), "{fault}");
    }
}
