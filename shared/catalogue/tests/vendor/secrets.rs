//! Secrets that the AWS Parameters and Secrets Lambda extension keeps; the shapes are those of
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-integration-lambda-extensions.html> and
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html>.

use std::net::SocketAddr;
use std::sync::Arc;

use assetmill_core::{Availability, FailureCode, Operation, OperationError};
use assetmill_fetch::{AllowList, GuardedClient};
use assetmill_images::{Bounds, Codecs};
use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::json;

use crate::stub::{PNG, Received, Stub, run};

const TOKEN: &str = "a-session-token";

fn extension(request: &Received) -> Response {
    if request.header("x-aws-parameters-secrets-token") != Some(TOKEN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match request.target.as_str() {
        "/systemsmanager/parameters/get?name=%2Fshop%2Fkey&withDecryption=true" => {
            Json(json!({ "Parameter": { "Name": "/shop/key", "Value": "from-ssm\n" } }))
                .into_response()
        }
        target if target.starts_with("/secretsmanager/get?secretId=shop%2Fuser") => {
            Json(json!({ "Name": "shop/user", "SecretString": "from-secrets" })).into_response()
        }
        target if target.starts_with("/secretsmanager/get?secretId=shop%2Fvendors") => {
            let keys = json!({ "VENDOR_KEY": "from-bundle\n", "EMPTY_KEY": "" }).to_string();
            Json(json!({ "Name": "shop/vendors", "SecretString": keys })).into_response()
        }
        _ => (StatusCode::BAD_REQUEST, "ParameterNotFound").into_response(),
    }
}

/// An operation whose key is this secret, as it is where the extension is at a port, if it is anywhere.
fn operation(vendor: SocketAddr, secret: &str, port: Option<u16>) -> Arc<dyn Operation> {
    let text = format!(
        r#"
        default = "v"
        [operations.v]
        summary = "x"
        [operations.v.vendor]
        method = "POST"
        url = "http://{vendor}/do"
        headers = {{ Authorization = "Basic {{{secret}|basic:shop}}" }}
        encoding = "raw"
        asset = {{ as = "file" }}
        result = {{ kind = "body" }}
        error = {{ message = "/message" }}
        "#
    );
    let env = move |name: &str| match name {
        "AWS_LAMBDA_FUNCTION_NAME" => port.map(|_| "worker".to_owned()),
        "AWS_SESSION_TOKEN" => port.map(|_| TOKEN.to_owned()),
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT" => port.map(|port| port.to_string()),
        "ASSETMILL_VENDOR_SECRETS" => Some("secretsmanager:shop/vendors".to_owned()),
        "ASSETMILL_VENDOR_KEYS" => Some("VENDOR_KEY, EMPTY_KEY,ABSENT_KEY".to_owned()),
        _ => None,
    };
    let client = GuardedClient::new(AllowList::default().with(vendor)).unwrap();
    let catalogue = assetmill_catalogue::load(
        &text,
        "test.toml",
        &client,
        &Codecs::in_process(Bounds::default()),
        &env,
    )
    .unwrap();
    catalogue.get("v").unwrap().clone()
}

#[tokio::test]
async fn secrets_of_aws_are_asked_for_when_they_are_needed() {
    let keeper = Stub::start(extension).await;
    let vendor = Stub::start(|_: &Received| PNG).await;
    for (secret, expected) in [
        ("ssm:/shop/key", "Basic c2hvcDpmcm9tLXNzbQ=="),
        ("secretsmanager:shop/user", "Basic c2hvcDpmcm9tLXNlY3JldHM="),
        // As on one machine, where it is a variable of the environment.
        ("env:VENDOR_KEY", "Basic c2hvcDpmcm9tLWJ1bmRsZQ=="),
    ] {
        let operation = operation(vendor.address, secret, Some(keeper.address.port()));
        assert_eq!(
            operation.description().availability,
            Availability::Available
        );
        run(&operation).await.unwrap();
        let request = vendor.received().pop().unwrap();
        assert_eq!(request.header("authorization"), Some(expected));
    }
}

#[tokio::test]
async fn a_secret_that_a_vendor_repeats_is_masked_wherever_it_is_kept() {
    let keeper = Stub::start(extension).await;
    let vendor = Stub::start(|_: &Received| {
        let body = Json(json!({ "message": "from-ssm is no key of ours" }));
        (StatusCode::FORBIDDEN, body)
    })
    .await;
    let operation = operation(vendor.address, "ssm:/shop/key", Some(keeper.address.port()));
    let message = run(&operation).await.unwrap_err().failure().message.clone();
    assert!(message.contains("*** is no key of ours"), "{message}");
    assert!(message.contains("/shop/key"), "{message}");
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_the_operators_to_mend() {
    let keeper = Stub::start(extension).await;
    let vendor = Stub::start(|_: &Received| PNG).await;
    let operation = operation(vendor.address, "ssm:/no/such", Some(keeper.address.port()));
    match run(&operation).await.unwrap_err() {
        OperationError::Permanent(failure) => {
            assert_eq!(failure.code, FailureCode::OperationUnavailable);
            assert!(failure.message.contains("/no/such"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(vendor.received().is_empty());
}

#[tokio::test]
async fn a_key_that_is_not_in_the_secret_for_them_is_named() {
    let keeper = Stub::start(extension).await;
    let vendor = Stub::start(|_: &Received| PNG).await;
    for name in ["EMPTY_KEY", "ABSENT_KEY"] {
        let secret = format!("env:{name}");
        let operation = operation(vendor.address, &secret, Some(keeper.address.port()));
        let error = run(&operation).await.unwrap_err();
        let message = &error.failure().message;
        assert!(message.contains(name), "{message}");
        assert!(message.contains("shop/vendors"), "{message}");
        assert!(!message.contains("from-bundle"), "{message}");
    }
    // One that nobody said is there is not asked for.
    let operation = operation(vendor.address, "env:OTHER_KEY", Some(keeper.address.port()));
    let lacking = Availability::Unavailable {
        reason: "set the environment variable OTHER_KEY".to_owned(),
    };
    assert_eq!(operation.description().availability, lacking);
    assert!(vendor.received().is_empty());
}

#[tokio::test]
async fn without_the_extension_an_operation_says_what_it_lacks() {
    let vendor = Stub::start(|_: &Received| PNG).await;
    let operation = operation(vendor.address, "ssm:/shop/key", None);
    match &operation.description().availability {
        Availability::Unavailable { reason } => assert!(reason.contains("extension"), "{reason}"),
        Availability::Available => panic!("it has no key"),
    }
}
