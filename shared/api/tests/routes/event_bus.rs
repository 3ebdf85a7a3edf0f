//! The bus of `template.yaml`: whoever settles flows is told of it and may put events on it, if there is one.

use saphyr::{LoadableYamlNode as _, Yaml};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

#[test]
fn who_settles_flows_may_tell_the_bus_and_nobody_else() {
    let template = Yaml::load_from_str(TEMPLATE).unwrap().remove(0);
    assert_eq!(
        template["Parameters"]["EventBus"]["Default"].as_str(),
        Some("")
    );
    for (name, tells) in [
        ("Api", true),
        ("Results", false),
        ("Worker", true),
        ("Janitor", true),
    ] {
        let function = &template["Resources"][format!("{name}Function").as_str()]["Properties"];
        let variables = function["Environment"]["Variables"].as_mapping().unwrap();
        let named = variables
            .iter()
            .find(|(variable, _)| variable.as_str() == Some("ASSETMILL_EVENT_BUS"));
        assert_eq!(named.is_some(), tells, "{name}");
        if let Some((_, value)) = named {
            let value = value.get_tagged_node().unwrap().as_sequence().unwrap();
            assert_eq!(value[0].as_str(), Some("HasEventBus"), "{name}");
        }
        let role = &template["Resources"][format!("{name}Role").as_str()]["Properties"];
        let statements = &role["Policies"][0]["PolicyDocument"]["Statement"];
        let mut may_tell = 0;
        for statement in statements.as_sequence().unwrap() {
            if !format!("{statement:?}").contains("events:") {
                continue;
            }
            let conditional = &statement["Fn::If"];
            assert_eq!(conditional[0].as_str(), Some("HasEventBus"), "{name}");
            let actions = conditional[1]["Action"].as_sequence().unwrap();
            let actions: Vec<_> = actions.iter().map(|action| action.as_str()).collect();
            let expected = ["events:PutEvents", "events:DescribeEventBus"].map(Some);
            assert_eq!(actions, expected, "{name}");
            let resource = format!("{:?}", conditional[1]["Resource"]);
            assert!(resource.contains(":event-bus/${EventBus}"), "{resource}");
            may_tell += 1;
        }
        assert_eq!(may_tell, usize::from(tells), "{name}");
    }
}
