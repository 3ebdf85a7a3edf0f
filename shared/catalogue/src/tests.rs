use assetmill_core::{Availability, Cost, ParamValue};
use assetmill_fetch::AllowList;
use assetmill_images::{Bounds, Codecs};

use super::*;
mod broken;
mod chains;

const SHIPPED: &str = include_str!("../../../operations.toml");

fn load_with(
    text: &str,
    secrets: &dyn Fn(&str) -> Option<String>,
) -> Result<Catalogue, CatalogueError> {
    let client = GuardedClient::new(AllowList::default()).unwrap();
    load(
        text,
        "operations.toml",
        &client,
        &Codecs::in_process(Bounds::default()),
        secrets,
    )
}

fn loaded(text: &str) -> Catalogue {
    load_with(text, &|_| None).unwrap()
}

/// The fingerprint of the operation `v` of a catalogue.
fn fingerprint(text: &str) -> String {
    loaded(text).get("v").unwrap().fingerprint().to_owned()
}

const VENDOR: &str = r#"
default = "v"
[operations.v]
summary = "Something"
params.size = { type = "string", enum = ["s", "m"], default = "s" }
[operations.v.vendor]
method = "POST"
url = "https://api.example.com/v1/do"
headers = { Authorization = "Bearer {env:KEY}" }
encoding = "json"
fields = { size = "{param:size}" }
asset = { as = "url", field = "image" }
result = { kind = "body" }
"#;

/// `docs/operations.md` shows the profiles of the catalogue, and not what they once were; comments aside.
#[test]
fn the_documentation_shows_what_is_shipped() {
    let guide = include_str!("../../../docs/operations.md");
    let (_, profiles) = guide.split_once("### Profiles").unwrap();
    let mut shown = 0;
    let shipped: toml::Table = toml::from_str(SHIPPED).unwrap();
    for rest in profiles.split("```toml\n").skip(1) {
        let (block, _) = rest.split_once("\n```").unwrap();
        let block: toml::Table = toml::from_str(block).unwrap();
        for (name, profile) in block["operations"].as_table().unwrap() {
            assert_eq!(profile, &shipped["operations"][name], "{name}");
            shown += 1;
        }
    }
    let vendors = SHIPPED.matches(".vendor]\n").count();
    assert_eq!(shown, vendors);
}

#[test]
fn the_shipped_catalogue_runs_without_any_key() {
    let catalogue = loaded(SHIPPED);
    let default = catalogue.default_operation().description();
    assert_eq!(default.name.as_str(), "thumbnail");
    assert_eq!(default.availability, Availability::Available);
    assert_eq!(default.cost, Cost::Free);

    let vendor = catalogue.get("remove-background").unwrap().description();
    assert_eq!(vendor.cost, Cost::Paid);
    assert_eq!(
        vendor.availability,
        Availability::Unavailable {
            reason: "set the environment variable REMOVE_BG_API_KEY".to_owned()
        }
    );
}

#[test]
fn a_key_makes_its_operation_available() {
    let catalogue = load_with(SHIPPED, &|name| {
        (name == "REMOVE_BG_API_KEY").then(|| "key".to_owned())
    });
    let catalogue = catalogue.unwrap();
    let vendor = catalogue.get("remove-background").unwrap().description();
    assert_eq!(vendor.availability, Availability::Available);
}

#[test]
fn defaults_of_a_transform_are_overridden() {
    let catalogue = loaded(
        r#"
        default = "small"
        [operations.small]
        transform = "thumbnail"
        summary = "Small"
        defaults = { width = 64, format = "png" }
        retry = { max_attempts = 2, base_seconds = 0.5, cap_seconds = 3 }
        "#,
    );
    let small = catalogue.default_operation();
    let params = small.description().params.accept(&serde_json::Map::new());
    let params = params.unwrap();
    assert_eq!(params.integer("width"), Some(64));
    assert_eq!(params.text("format"), Some("png"));
    assert_eq!(params.get("height"), Some(&ParamValue::Integer(512)));
    assert_eq!(small.retry().max_attempts, 2);
    assert_eq!(small.retry().base.as_millis(), 500);
    assert_eq!(small.retry().cap.as_secs(), 3);
}

#[test]
fn a_watermark_has_the_overlay_that_its_file_holds() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../images/tests/fixtures/overlay.png"
    );
    let without = loaded(SHIPPED);
    let text = SHIPPED.replace("# overlay = \"logo.png\"", &format!("overlay = {path:?}"));
    let with = loaded(&text);
    let availability = |catalogue: &Catalogue| {
        let watermark = catalogue.get("watermark").unwrap();
        watermark.description().availability.clone()
    };
    assert_eq!(availability(&with), Availability::Available);
    assert_ne!(availability(&without), Availability::Available);
    assert_ne!(
        with.get("watermark").unwrap().fingerprint(),
        without.get("watermark").unwrap().fingerprint()
    );
}

#[test]
fn the_fingerprint_is_of_what_decides_the_product() {
    let original = fingerprint(VENDOR);
    for changed in [
        VENDOR.replace("/v1/do", "/v2/do"),
        VENDOR.replace("\"POST\"", "\"PUT\""),
        VENDOR.replace("Bearer {env:KEY}", "Bearer {env:OTHER}"),
        VENDOR.replace("size = \"{param", "scale = \"{param"),
        VENDOR.replace("\"json\"", "\"form\""),
        VENDOR.replace("field = \"image\"", "field = \"picture\""),
        VENDOR.replace("kind = \"body\"", "kind = \"base64\", at = \"/b\""),
    ] {
        assert_ne!(fingerprint(&changed), original, "{changed}");
    }
    for same in [
        VENDOR.replace("Something", "Something else"),
        VENDOR.replace("summary", "retry = { max_attempts = 1 }\nsummary"),
        VENDOR.replace("method", "timeout_seconds = 9\nmethod"),
    ] {
        assert_eq!(fingerprint(&same), original, "{same}");
    }
}

#[test]
fn the_fingerprint_does_not_depend_on_secrets() {
    let with = |key: &'static str| {
        let secret = |name: &str| (name == "KEY").then(|| key.to_owned());
        let catalogue = load_with(VENDOR, &secret).unwrap();
        catalogue.default_operation().fingerprint().to_owned()
    };
    assert_eq!(with("one"), with("two"));
    assert_eq!(with("one"), fingerprint(VENDOR));
}
