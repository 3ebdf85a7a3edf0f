//! The documentation needs nothing from elsewhere.

mod support;

use assetmill_api::docs;
use support::{ask, get};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("A")
        .description(Some("try http://127.0.0.1:8000/samples/a.jpg"))
        .build();
    OpenApiBuilder::new().info(info).build()
}

#[tokio::test]
async fn the_document_is_served() {
    let answer = ask(docs::router(document()), get("/openapi.json")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["info"]["title"], "A");
}

#[tokio::test]
async fn where_nobody_knows_the_address_examples_name_the_one_that_was_asked() {
    let router = docs::router_anywhere(document());
    for (host, proto, shown) in [
        (
            "a1.execute-api.test",
            Some("https"),
            "https://a1.execute-api.test",
        ),
        ("127.0.0.1:9000", None, "http://127.0.0.1:9000"),
        ("not a host", None, "http://127.0.0.1:8000"),
    ] {
        let mut request = get("/openapi.json");
        request.headers_mut().insert("host", host.parse().unwrap());
        if let Some(proto) = proto {
            let name = "x-forwarded-proto";
            request.headers_mut().insert(name, proto.parse().unwrap());
        }
        let answer = ask(router.clone(), request).await;
        let expected = format!("try {shown}/samples/a.jpg");
        assert_eq!(answer.json()["info"]["description"], expected);
    }
}

#[tokio::test]
async fn the_page_and_all_it_loads_are_embedded() {
    let router = docs::router(document());
    let page = ask(router.clone(), get("/docs/")).await;
    assert_eq!(page.status, 200);
    let html = String::from_utf8(page.bytes.to_vec()).unwrap();
    assert!(
        !html.contains("http://") && !html.contains("https://"),
        "{html}"
    );
    for asset in [
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "swagger-initializer.js",
    ] {
        assert!(html.contains(asset), "{asset}");
        let answer = ask(router.clone(), get(&format!("/docs/{asset}"))).await;
        assert_eq!(answer.status, 200, "{asset}");
        assert!(!answer.bytes.is_empty(), "{asset}");
    }
}

#[tokio::test]
async fn no_outside_validator_is_asked() {
    let answer = ask(
        docs::router(document()),
        get("/docs/swagger-initializer.js"),
    )
    .await;
    let script = String::from_utf8(answer.bytes.to_vec()).unwrap();
    assert!(script.contains(r#""validatorUrl": "none""#), "{script}");
    assert!(script.contains("/openapi.json"), "{script}");
}

#[tokio::test]
async fn examples_name_the_address_that_is_served() {
    let document = docs::served_at(document(), "https://assets.example.com/");
    let answer = ask(docs::router(document), get("/openapi.json")).await;
    assert_eq!(
        answer.json()["info"]["description"],
        "try https://assets.example.com/samples/a.jpg"
    );
}
