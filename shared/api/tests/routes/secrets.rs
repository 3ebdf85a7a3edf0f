//! What `template.yaml` puts into the environment of functions: no key, and no way to put one there.

use saphyr::{LoadableYamlNode as _, Yaml};

const TEMPLATE: &str = include_str!("../../../../template.yaml");
const FUNCTIONS: [&str; 4] = [
    "ApiFunction",
    "ResultsFunction",
    "WorkerFunction",
    "JanitorFunction",
];

fn template() -> Yaml<'static> {
    Yaml::load_from_str(TEMPLATE).unwrap().remove(0)
}

/// What stands below a node, tags and all.
fn text(node: &Yaml) -> String {
    format!("{node:?}")
}

/// A value that is there on a condition: the condition, and both values.
fn conditional<'a>(node: &'a Yaml<'a>) -> Option<(&'a str, &'a Yaml<'a>, &'a Yaml<'a>)> {
    let is_conditional = node.get_tag().is_some_and(|tag| tag.suffix == "If");
    let [condition, then, otherwise] = node.get_tagged_node()?.as_sequence()?.as_slice() else {
        return None;
    };
    is_conditional.then_some((condition.as_str()?, then, otherwise))
}

#[test]
fn no_parameter_is_a_secret() {
    let template = template();
    for (name, parameter) in template["Parameters"].as_mapping().unwrap() {
        let of_secrets = parameter.as_mapping_get("NoEcho").is_some();
        assert!(
            !of_secrets,
            "{name:?} would stand in a function's environment"
        );
    }
}

#[test]
fn keys_stand_in_an_environment_at_an_emulator_alone() {
    let template = template();
    for function in FUNCTIONS {
        let properties = &template["Resources"][function]["Properties"];
        let variables = properties["Environment"]["Variables"].as_mapping().unwrap();
        for (name, value) in variables {
            let name = name.as_str().unwrap();
            if !text(value).contains("EmulatorKeys") {
                assert_ne!(name, "ASSETMILL_API_KEYS", "{function}");
                continue;
            }
            let (condition, _, on_aws) = conditional(value).unwrap();
            assert_eq!(condition, "IsEmulated", "{function}: {name}");
            assert!(text(on_aws).contains("AWS::NoValue"), "{function}: {name}");
        }
    }
}

/// Who reads which secret, and that it may read that one and no other.
#[test]
fn each_function_reads_the_secrets_that_it_is_told_of() {
    let template = template();
    for (function, role, secrets) in [
        (
            "ApiFunction",
            "ApiRole",
            &["CallersSecret", "VendorSecrets"][..],
        ),
        // It knows of vendors' keys by their names alone.
        ("ResultsFunction", "ResultsRole", &["CallersSecret"]),
        (
            "WorkerFunction",
            "WorkerRole",
            &["CallersSecret", "VendorSecrets"],
        ),
        ("JanitorFunction", "JanitorRole", &[]),
    ] {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let layers = template["Resources"][function]["Properties"].as_mapping_get("Layers");
        let reads = layers.is_some_and(|layers| text(layers).contains("SecretsExtension"));
        assert_eq!(reads, !secrets.is_empty(), "{function}");
        if reads {
            let callers = text(&variables["ASSETMILL_CALLERS"]);
            assert!(
                callers.contains("secretsmanager:${CallersSecret}"),
                "{callers}"
            );
        }
        let policies = &template["Resources"][role]["Properties"]["Policies"];
        let statements = &policies[0]["PolicyDocument"]["Statement"];
        let mut may_read = Vec::new();
        for statement in statements.as_sequence().unwrap() {
            let Some(statement) = statement.as_mapping_get("Fn::If") else {
                assert!(!text(statement).contains("secretsmanager"), "{role}");
                continue;
            };
            if statement[0].as_str() == Some("HasEventBus") {
                continue;
            }
            assert_eq!(
                statement[1]["Action"].as_str(),
                Some("secretsmanager:GetSecretValue")
            );
            let resource = statement[1]["Resource"].get_tagged_node().unwrap();
            may_read.push(resource.as_str().unwrap().to_owned());
        }
        assert_eq!(may_read, secrets, "{role}");
    }
}
