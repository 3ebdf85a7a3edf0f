//! Keys for reading alone.

use assetmill_api::{CallerTable, Function, KeyDigest, ROUTES};
use http::Method;
use serde_json::json;

use super::support;
use super::world::{ACME, ASSET, World};

const READER: &str = "am_reads-alone";

fn world() -> World {
    let (writer, reader) = (KeyDigest::of(ACME), KeyDigest::of(READER));
    let text = format!(
        "[[tenants.acme.keys]]\nname = \"ci\"\nsha256 = \"{writer}\"\n\
         [[tenants.acme.keys]]\nname = \"page\"\nsha256 = \"{reader}\"\nread_only = true\n"
    );
    let mut world = World::with_keys();
    world.state.callers = CallerTable::parse(&text).unwrap().into();
    world
}

/// Before its body is looked at.
#[tokio::test]
async fn a_key_for_reading_starts_and_stops_nothing() {
    let world = world();
    let of_api = |function| function == Function::Api;
    let routes = ROUTES
        .iter()
        .filter(|route| [Method::POST, Method::DELETE].contains(&route.method))
        .filter(|route| of_api(route.function));
    let mut asked = 0;
    for route in routes {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let path = route.path.replace("{batch_id}", id);
        let path = path.replace("{name}", "copy");
        let path = path
            .replace("{webhook_id}", id)
            .replace("{delivery_id}", id);
        let refused = (403, "read_only_key".to_owned(), None);
        let mut request = support::post(&path, "?");
        *request.method_mut() = route.method.clone();
        let headers = request.headers_mut();
        headers.insert("x-api-key", READER.parse().unwrap());
        let answer = world.ask(request).await;
        assert_eq!(answer.problem(), refused, "{path}");
        asked += 1;
    }
    assert!(asked >= 7, "{asked}");
    assert_eq!(world.batches().await, 0);
    let order = json!({ "digital_asset_urls": [ASSET] }).to_string();
    let own = world.post_as(ACME, "/api/v2/transforms", order).await;
    assert_eq!(own.status, 202);
}
