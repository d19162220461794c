use super::*;

#[test]
fn a_whole_configuration_loads() {
    let settings = parse(include_str!("../../tests/it/config/valid/full.toml"), "full.toml").unwrap();
    assert_eq!(settings.environment.name, "prod-eu");
    assert_eq!(settings.kubernetes.len(), 1);
    assert_eq!(settings.prometheus.len(), 2);
    assert_eq!(settings.probe.len(), 2);
}

#[test]
fn what_is_not_declared_is_production() {
    let settings = parse("", "empty.toml").unwrap();
    assert_eq!(settings.environment.class, crate::domain::settings::RiskClass::Production);
}
