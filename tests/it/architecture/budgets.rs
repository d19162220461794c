//! How large things may grow. Functions are held by clippy's `too_many_lines`.

use syn::visit::Visit;

use super::{sources, visit_shipped};

const FILE_LINES: usize = 600;
const STRUCT_FIELDS: usize = 12;
const ENUM_VARIANTS: usize = 25;

/// Types that mirror a documented outside shape, field by field; this list can only shrink.
const WIDE: &[&str] = &[
    // The columns of the board and of `status --json`.
    "TierRow",
    "Status",
    // The tables of the configuration file.
    "Settings",
    // AWS resources as the Describe calls tell them.
    "DbInstance",
];

#[derive(Default)]
struct Sizes {
    broken: Vec<String>,
    path: String,
}

impl<'a> Visit<'a> for Sizes {
    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        if item.fields.len() > STRUCT_FIELDS && !WIDE.contains(&item.ident.to_string().as_str()) {
            self.broken.push(format!("{}: struct {} has {} fields", self.path, item.ident, item.fields.len()));
        }
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        if item.variants.len() > ENUM_VARIANTS {
            self.broken.push(format!("{}: enum {} has {} variants", self.path, item.ident, item.variants.len()));
        }
    }
}

#[test]
fn files_structs_and_enums_stay_within_their_budgets() {
    let mut sizes = Sizes::default();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            sizes.broken.push(format!("{}: {lines} lines", source.path));
        }
        sizes.path.clone_from(&source.path);
        visit_shipped(&source, &mut sizes);
    }
    assert!(sizes.broken.is_empty(), "{}", sizes.broken.join("\n"));
}

#[test]
fn the_list_of_exceptions_names_only_types_that_need_it() {
    let mut needed = Vec::new();
    for source in sources() {
        for item in &source.syntax.items {
            if let syn::Item::Struct(item) = item
                && item.fields.len() > STRUCT_FIELDS
            {
                needed.push(item.ident.to_string());
            }
        }
    }
    for name in WIDE {
        assert!(needed.iter().any(|n| n == name), "{name} no longer needs its exception: take it off the list");
    }
}
