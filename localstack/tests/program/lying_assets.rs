//! Assets that lie fail their own flow and disturb no other.

use serde_json::Value;

use crate::assets::Assets;
use crate::support::Program;

#[tokio::test(flavor = "multi_thread")]
async fn each_lie_has_its_code() {
    let assets = Assets::serve().await;
    let options = [
        "--fetch-allow",
        &assets.allow(),
        "--max-asset-bytes",
        "2MiB",
    ];
    let program = Program::start(&options).await;
    let lies = [
        ("/lie/html", "unsupported_media_type"),
        ("/lie/empty", "asset_empty"),
        ("/lie/truncated", "corrupt_asset"),
        ("/lie/large", "asset_too_large"),
        ("/lie/endless", "asset_too_large"),
        ("/lie/bomb", "too_many_pixels"),
        ("/lie/metadata", "source_refused"),
        ("/lie/loop", "source_bad_redirect"),
        ("/status/404", "source_not_found"),
        ("/status/410", "source_not_found"),
        ("/status/403", "source_denied"),
        ("/status/418", "source_rejected"),
        ("/lie/as-text", "completed"),
    ];
    // Between any two lies stands an honest photograph.
    let paths = (0..)
        .zip(lies)
        .flat_map(|(number, (path, _))| [path.to_owned(), format!("/photo/{number}")]);
    let started = program.start_batch(&assets.body(paths)).await;
    let results = program.settled(&started).await;
    let flows = results["flows"].as_array().unwrap();
    let code = |flow: &Value| {
        flow["error"]["code"]
            .as_str()
            .unwrap_or("completed")
            .to_owned()
    };
    for ((path, expected), pair) in lies.iter().zip(flows.chunks(2)) {
        assert_eq!(code(&pair[0]), *expected, "{path}: {}", pair[0]);
        assert_eq!(code(&pair[1]), "completed", "{}", pair[1]);
        if *expected != "completed" {
            assert_eq!(pair[0]["error"]["retryable"], false, "{path}");
            assert_eq!(pair[0]["attempts"], 1, "{path}");
        }
    }
}
