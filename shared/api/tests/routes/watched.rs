//! The router of `cargo lambda watch`
//! (<https://www.cargo-lambda.info/commands/watch.html#http-router-configuration>).

use std::collections::BTreeMap;

use assetmill_api::ROUTES;
use serde::Deserialize;

use super::assert_led_by_the_table;

const MANIFEST: &str = include_str!("../../../../Cargo.toml");
/// The path of whatever has no path of its own.
const REST: &str = "/{*rest}";

#[derive(Deserialize)]
#[serde(untagged)]
enum Served {
    /// By one function.
    Whole(String),
    /// By several, each with methods of its own.
    Split(Vec<ByMethods>),
}

#[derive(Deserialize)]
struct ByMethods {
    function: String,
    methods: Vec<String>,
}

impl Served {
    fn function(&self, method: &str) -> Option<&str> {
        match self {
            Self::Whole(function) => Some(function),
            Self::Split(functions) => functions
                .iter()
                .find(|one| one.methods.iter().any(|it| it == method))
                .map(|one| one.function.as_str()),
        }
    }
}

fn router() -> BTreeMap<String, Served> {
    let manifest: toml::Value = toml::from_str(MANIFEST).unwrap();
    let router = &manifest["workspace"]["metadata"]["lambda"]["watch"]["router"];
    router.clone().try_into().unwrap()
}

#[test]
fn each_route_leads_to_its_function() {
    let router = router();
    assert_led_by_the_table("the router of cargo lambda watch", |method, path| {
        let served = router.get(path).or_else(|| router.get(REST))?;
        served.function(method).map(ToOwned::to_owned)
    });
}

#[test]
fn there_is_no_path_that_the_table_does_not_know() {
    for path in router().into_keys() {
        assert!(
            path == REST || ROUTES.iter().any(|route| route.path == path),
            "the router of cargo lambda watch has {path}, which is in no row of the table"
        );
    }
}
