//! What the function can't start without is named in one line.
#![allow(clippy::unwrap_used)]

use std::process::Command;

const SET: [(&str, &str); 7] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008"),
    ("ASSETMILL_TABLE", "table"),
    ("ASSETMILL_BUCKET", "bucket"),
    ("ASSETMILL_QUEUE_URL", "https://sqs.example.com/1/queue"),
    ("ASSETMILL_RETENTION_DAYS", "30"),
    ("ASSETMILL_LEASE_SECONDS", "200"),
];

/// What the function says when it starts with these variables, one of them changed.
fn refusal(name: &str, value: Option<&str>) -> String {
    let mut function = Command::new(env!("CARGO_BIN_EXE_worker"));
    function.env_clear().envs(SET).env_remove(name);
    if let Some(value) = value {
        function.env(name, value);
    }
    let output = function.output().unwrap();
    assert!(!output.status.success(), "{name}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_variable_that_is_missing_or_wrong_is_named() {
    for (name, _) in SET.iter().filter(|(name, _)| *name != "AWS_REGION") {
        for value in [None, Some("")] {
            let message = refusal(name, value);
            assert_eq!(message.lines().count(), 1, "{message}");
            assert!(message.contains(name), "{message}");
            assert!(message.contains("is not set"), "{message}");
        }
    }
    for (name, value) in [
        ("ASSETMILL_RETENTION_DAYS", "many"),
        ("ASSETMILL_RETENTION_DAYS", "0"),
        ("ASSETMILL_LEASE_SECONDS", "-1"),
        ("ASSETMILL_QUEUE_URL", "queue"),
        ("ASSETMILL_FETCH_ALLOW", "not a host!"),
        ("ASSETMILL_VENDOR_ALLOW", "not a host!"),
        ("ASSETMILL_ORIGIN_CONNECTIONS", "0"),
        ("ASSETMILL_ORIGIN_RATE", "fast"),
        ("ASSETMILL_MAX_ASSET_BYTES", "large"),
    ] {
        let message = refusal(name, Some(value));
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains(name), "{message}");
        assert!(!message.contains("is not set"), "{message}");
    }
}
