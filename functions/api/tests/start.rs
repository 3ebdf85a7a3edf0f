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
    ("ASSETMILL_API_KEYS", "shop:0123456789abcdef"),
];

/// What the function says when it starts with these variables, one of them changed.
fn refusal(name: &str, value: Option<&str>) -> String {
    let mut function = Command::new(env!("CARGO_BIN_EXE_api"));
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
            // Keys are for emulators, which have no secrets.
            let name = if *name == "ASSETMILL_API_KEYS" {
                "ASSETMILL_CALLERS"
            } else {
                name
            };
            assert!(message.contains(name), "{message}");
            assert!(message.contains("is not set"), "{message}");
        }
    }
    for (name, value) in [
        ("ASSETMILL_RETENTION_DAYS", "many"),
        ("ASSETMILL_API_KEYS", "shop"),
        // Besides the keys.
        ("ASSETMILL_CALLERS", "secretsmanager:callers"),
        ("ASSETMILL_VENDOR_SECRETS", "vendors"),
        ("ASSETMILL_ANSWER_WITHIN", "25"),
        ("ASSETMILL_ANSWER_WITHIN", "soon"),
    ] {
        let message = refusal(name, Some(value));
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains(name), "{message}");
        assert!(!message.contains("is not set"), "{message}");
    }
}

/// Callers are in a secret, which is there for functions alone: whoever runs it elsewhere learns so.
#[test]
fn a_secret_needs_the_extension() {
    for (name, told) in [
        ("secretsmanager:callers", "extension"),
        ("callers", "secretsmanager:"),
    ] {
        let mut function = Command::new(env!("CARGO_BIN_EXE_api"));
        function.env_clear().envs(SET);
        function.env_remove("ASSETMILL_API_KEYS");
        let output = function.env("ASSETMILL_CALLERS", name).output().unwrap();
        assert!(!output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains("ASSETMILL_CALLERS"), "{message}");
        assert!(message.contains(told), "{message}");
    }
}
