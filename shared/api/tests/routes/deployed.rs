//! The routes of `template.yaml`.

use std::collections::BTreeMap;

use assetmill_api::ROUTES;
use saphyr::{LoadableYamlNode as _, Yaml};

use super::assert_led_by_the_table;

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// What a template says of its resources.
struct Template<'a>(Yaml<'a>);

impl<'a> Template<'a> {
    fn parse(text: &'a str) -> Self {
        Self(Yaml::load_from_str(text).unwrap().remove(0))
    }

    /// The binary of the function behind each route, by its key: `GET /path`, or `$default`.
    fn functions(&self) -> BTreeMap<String, String> {
        let resources = self.0["Resources"].as_mapping().unwrap().values();
        let routes = resources.filter(|it| it["Type"].as_str() == Some("AWS::ApiGatewayV2::Route"));
        routes.map(|route| self.function_of(route)).collect()
    }

    fn function_of(&self, route: &Yaml) -> (String, String) {
        let key = route["Properties"]["RouteKey"].as_str().unwrap().to_owned();
        let target = tagged(&route["Properties"]["Target"], "Sub");
        let integration = target
            .strip_prefix("integrations/${")
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or_else(|| panic!("{key} has a target that is no integration: {target}"));
        let uri = &self.resource(integration)["Properties"]["IntegrationUri"];
        let function = tagged(uri, "GetAtt").strip_suffix(".Arn").unwrap();
        let binary = &self.resource(function)["Metadata"]["BuildProperties"]["Binary"];
        (key, binary.as_str().unwrap().to_owned())
    }

    fn resource(&self, name: &str) -> &Yaml<'a> {
        &self.0["Resources"][name]
    }
}

/// The text behind a tag of `CloudFormation`, such as `!Sub`.
fn tagged<'a>(node: &'a Yaml, tag: &str) -> &'a str {
    assert_eq!(node.get_tag().unwrap().suffix, tag);
    node.get_tagged_node().unwrap().as_str().unwrap()
}

#[test]
fn each_route_leads_to_its_function() {
    let functions = Template::parse(TEMPLATE).functions();
    // The most specific key wins
    // (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html).
    assert_led_by_the_table("template.yaml", |method, path| {
        let keys = [format!("{method} {path}"), format!("ANY {path}")];
        let own = keys.iter().find_map(|key| functions.get(key));
        own.or_else(|| functions.get("$default")).cloned()
    });
}

#[test]
fn there_is_no_route_that_the_table_does_not_know() {
    for key in Template::parse(TEMPLATE).functions().into_keys() {
        let known =
            |route: &assetmill_api::Route| key == format!("{} {}", route.method, route.path);
        assert!(
            key == "$default" || ROUTES.iter().any(known),
            "template.yaml has {key}, which is in no row of the table"
        );
    }
}
