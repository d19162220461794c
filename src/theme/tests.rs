use super::color::rgb;
use super::*;

fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// WCAG 2 contrast ratio.
fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(rgb(a).unwrap()), luminance(rgb(b).unwrap()));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_bundled_theme_loads_and_names_itself() {
    for (name, text) in BUILTIN {
        let theme = Theme::load(text, name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(theme.name, name);
    }
    assert!(Theme::builtin("nothing").is_none());
}

#[test]
fn text_is_readable_on_the_background_and_on_the_selection() {
    for name in Theme::builtin_names().filter(|name| *name != "mono") {
        let theme = Theme::builtin(name).unwrap();
        let selected = theme.style(Role::Select).bg;
        for (role, least) in [
            (Role::Text, 7.0),
            (Role::Dim, 4.5),
            (Role::Ok, 4.5),
            (Role::Warn, 4.5),
            (Role::Crit, 4.5),
            (Role::Unknown, 4.5),
            (Role::Stale, 4.5),
            (Role::Key, 4.5),
            (Role::Info, 4.5),
        ] {
            let fg = theme.style(role).fg.unwrap();
            let ratio = contrast(fg, theme.background);
            assert!(ratio >= least, "{name}: {} has {ratio:.1}:1", role.name());
            let tinted = selected.map_or(21.0, |selected| contrast(fg, selected));
            assert!(tinted >= 4.0, "{name}: {} on the selection has {tinted:.1}:1", role.name());
        }
        let faint = contrast(theme.style(Role::Faint).fg.unwrap(), theme.background);
        assert!(faint >= 3.0, "{name}: what is faint has {faint:.1}:1");
        for role in [Role::BannerProd, Role::BannerStaging, Role::BannerDev] {
            let style = theme.style(role);
            assert!(contrast(style.fg.unwrap(), style.bg.unwrap()) >= 4.5, "{name}: {}", role.name());
        }
    }
}

/// Machado, Oliveira and Fernandes 2009, severity 1.0, on linear light.
const DEFICIENCIES: [(&str, [[f64; 3]; 3]); 3] = [
    ("protanopia", [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    (
        "deuteranopia",
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ),
    ("tritanopia", [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
];

/// CIE L*a*b* (D65) of a colour as someone sees whose cones are described by `matrix`.
fn lab(color: Color, matrix: &[[f64; 3]; 3]) -> [f64; 3] {
    let (r, g, b) = rgb(color).unwrap();
    let linear = [r, g, b].map(|channel| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    let seen = matrix.map(|row| row.iter().zip(linear).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0));
    let xyz = [
        (0.4124564 * seen[0] + 0.3575761 * seen[1] + 0.1804375 * seen[2]) / 0.95047,
        0.2126729 * seen[0] + 0.7151522 * seen[1] + 0.0721750 * seen[2],
        (0.0193339 * seen[0] + 0.1191920 * seen[1] + 0.9503041 * seen[2]) / 1.08883,
    ];
    let [x, y, z] = xyz.map(|t| if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn health_stays_apart_for_colour_vision_deficiencies() {
    let healths = [Role::Ok, Role::Warn, Role::Crit, Role::Unknown];
    for name in Theme::builtin_names().filter(|name| *name != "mono") {
        let theme = Theme::builtin(name).unwrap();
        for (deficiency, matrix) in &DEFICIENCIES {
            for (i, a) in healths.iter().enumerate() {
                for b in &healths[i + 1..] {
                    let [p, q] = [a, b].map(|role| lab(theme.style(*role).fg.unwrap(), matrix));
                    let apart = p.iter().zip(q).map(|(p, q)| (p - q).powi(2)).sum::<f64>().sqrt();
                    assert!(apart >= 15.0, "{name}, {deficiency}: {} and {} are {apart:.0} apart", a.name(), b.name());
                }
            }
        }
    }
}

#[test]
fn fewer_colours_keep_health_apart_and_none_keeps_no_colour() {
    for name in ["dark", "light", "high-contrast"] {
        for depth in [ColorDepth::Indexed256, ColorDepth::Ansi16] {
            let theme = Theme::builtin(name).unwrap().degrade(depth);
            let colors: std::collections::HashSet<_> =
                [Role::Ok, Role::Warn, Role::Crit, Role::Unknown].map(|role| theme.style(role).fg).into();
            assert!(colors.len() == 4, "{name} at {depth:?}: {colors:?}");
        }
        let theme = Theme::builtin(name).unwrap().degrade(ColorDepth::None);
        for role in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
        }
        assert!(theme.style(Role::Select).add_modifier.contains(Modifier::REVERSED));
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let good = BUILTIN[0].1;
    for (text, expected) in [
        (good.replace("faint =", "fiant ="), "dark.toml:8:1: unknown role \"fiant\"; the roles are text dim faint"),
        (
            good.replace("\"#96a1ad\"", "\"#96a1a\""),
            "dark.toml:7:7: neither colour nor attribute: \"#96a1a\"; use #rrggbb",
        ),
        (good.replace("rule = \"#3b4450\"\n", ""), "dark.toml:5:1: role \"rule\" is missing; add a line such as"),
        (good.replace("name = \"dark\"", "nmae = \"dark\""), "dark.toml:2:1: unknown field `nmae`"),
    ] {
        let error = Theme::load(&text, "dark.toml").unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn letters_and_names_are_unique() {
    let letters: std::collections::HashSet<_> = Role::ALL.map(Role::letter).into();
    assert_eq!(letters.len(), Role::ALL.len());
    for (index, role) in Role::ALL.into_iter().enumerate() {
        assert_eq!(role as usize, index, "the table is in the order of the variants");
        assert_eq!(Role::named(role.name()), Some(role));
    }
}
