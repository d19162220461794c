use super::*;
use base64::engine::general_purpose::STANDARD;

use crate::audit::record::Text;
use crate::domain::secret::{Secrets, escaped, forms};

/// The kinds of facts/trust.md A1, each where such a secret really stands.
pub const PLANTED: [(&str, &str, &str); 12] = [
    ("environment", "Xk29fjQpLmZ81vTe", "DB_PASSWORD={} HOME=/root"),
    ("kubeconfig token", "kc7Tq0pZxW31nBvRmL", "users:\n- name: ops\n  user:\n    token: {}\n"),
    ("exec plugin", "ep4Wd9sKqYtH62bNcJ", r#"{"kind":"ExecCredential","status":{"token":"{}"}}"#),
    ("url userinfo", "ui8Rb3mVzQxG70pKaS", "GET https://ops:{}@prom.example:9090/api failed"),
    ("postgres password", "pg5Nc1tLwJyF94dHeU", "host=orders-db user=ops password='{}' sslmode=require"),
    ("webhook key", "wh2Mf6kDvPzC83gTiO", "POST https://hooks.slack.com/services/T024/B11/{} answered 500"),
    ("secret object", "so9Yg7hBnXrA15jSuI", r#"{"kind": "Secret", "metadata": {"name": "db"}, "data": {"x": "{}"}}"#),
    (
        "annotation",
        "an3Vt0gJmWqE67lDoP",
        r#"kubectl.kubernetes.io/last-applied-configuration: {"env":[{"value":"{}"}]}"#,
    ),
    ("header", "hd6Us4fCkZpB28wGyR", "Authorization: Bearer {}\nAccept: */*"),
    ("query string", "qs1Zl5eXjTnM39vFhQ", "/metrics?user=ops&access_token={}&step=15"),
    ("pasted text", "ghp_pT7Hk2QdYw9ZsLx4Vb6Nn1Rm3Cf8Gj5Ae0Uo", "I used {} to get in"),
    ("aws session token", "IQoJb3JpZ2luX2VjEHwaCWV1LXdlc3QtMSJGMEQCIB", "ExpiredToken: {} is not valid"),
];

#[test]
fn each_planted_kind_is_masked_plain_in_base64_and_url_encoded() {
    for (kind, secret, around) in PLANTED {
        let plain = around.replace("{}", secret);
        let cases = [
            plain.clone(),
            format!("config is {}", STANDARD.encode(&plain)),
            format!("to https://x.example/?q={}", escaped(&plain, true)),
            format!("to https://x.example/?q={}", escaped(&plain, false)),
        ];
        for case in cases {
            let masked = Text::of(&case);
            assert!(masked.as_str().contains(MASK), "{kind}: nothing masked in {case}");
            let unescaped = unescaped(masked.as_str());
            assert!(!unescaped.contains(secret), "{kind}: {case} became {masked:?}");
            assert!(
                !forms(secret).iter().any(|form| masked.as_str().contains(form)),
                "{kind}: {case} became {masked:?}"
            );
        }
    }
}

#[test]
fn what_a_reader_needs_is_kept() {
    let kept = [
        "rollout/shop/backend canary 25% -> abort, error_ratio 0.31 against 0.002",
        "arn:aws:rds:eu-west-1:123456789012:db:orders-db-instance-1",
        "image registry.example/shop/backend@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "request 7a1c9a1e-53b7-4f7e-9d5e-0f3b8a7f6c21, pod backend-7d9f8b6c5d-x2x4k on ip-10-0-1-17.eu-west-1.compute.internal",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b by INC-4711",
        "secret rotation is planned; see ticket OPS-12",
    ];
    for text in kept {
        assert_eq!(Text::of(text).as_str(), text);
    }
    let role = "arn:aws:sts::123456789012:assumed-role/prod-OperatorRole-1XQ3J5K2L9ABCDEF/jane";
    assert_eq!(Text::name(role).as_str(), role);
    assert_eq!(Text::name("postgres://a:b@db").as_str(), "postgres://[redacted]@db");
    assert_eq!(Text::valued("DB_PASSWORD", "orange").as_str(), MASK);
    assert_eq!(Text::valued("replicas", "5").as_str(), "5");
}

#[test]
fn a_known_secret_is_masked_in_every_encoding_whatever_its_shape() {
    let mut secrets = Secrets::default();
    secrets.know("correct horse/battery");
    secrets.know("abc");
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}correct horse/battery.");
        for form in [text.clone(), STANDARD.encode(&text), escaped(&text, true), escaped(&text, false)] {
            assert!(secrets.masked(&form).contains(MASK), "{form}");
        }
    }
    assert_eq!(secrets.masked("abc is too short"), "abc is too short");
    assert_eq!(format!("{secrets:?}"), "Secrets(7 forms)");
}

#[test]
fn a_long_text_is_cut_after_it_is_masked() {
    let text = format!("{} password=Xk29fjQpLmZ81vTe", "x ".repeat(505));
    let masked = Text::of(&text);
    assert!(!masked.as_str().contains("Xk29") && masked.as_str().ends_with("characters)"), "{masked:?}");
}
