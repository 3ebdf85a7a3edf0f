//! What is wrong with a chain.

use super::message;

const CHAIN: &str = r#"
default = "c"
[operations.small]
transform = "thumbnail"
summary = "Small"
[operations.c]
summary = "Both"
chain = [{ operation = "small", params = { width = 9 } }, { operation = "small" }]
"#;

const BY_URL: &str = r#"
[operations.away]
summary = "Away"
[operations.away.vendor]
method = "POST"
url = "https://api.example.com/do"
encoding = "json"
asset = { as = "url", field = "image" }
result = { kind = "body" }
"#;

#[test]
fn chains() {
    for (from, to, expected) in [
        (
            "operation = \"small\" }]",
            "operation = \"smal\" }]",
            r#"operations.toml:8:73: operations.c.chain[1].operation names no operation that is not a chain itself; did you mean "small"?"#,
        ),
        (
            "operation = \"small\" }]",
            "operation = \"away\" }]",
            "operations.toml:8:73: operations.c.chain[1].operation: this vendor is given the URL of the asset, not what came before; make it the first",
        ),
        (
            ", { operation = \"small\" }]",
            "]",
            r#"operations.toml:8:9: operations.c.chain has less than two operations; add one, as { operation = "convert" }"#,
        ),
        (
            "width = 9 }",
            "wide = 9 }",
            "operations.toml:8:44: wide is unknown: this operation takes background, format, height, max_bytes, profile, quality, width",
        ),
        (
            "width = 9 }",
            "width = 0 }",
            "operations.toml:8:44: width must be a whole number from 1 to 8192, not 0",
        ),
        (
            "summary = \"Both\"",
            "summary = \"Both\"\ntransform = \"resize\"",
            "operations.toml:9:9: operations.c has both transform and chain; leave one of them out",
        ),
        (
            "summary = \"Both\"",
            "summary = \"Both\"\npaid = true",
            r#"operations.toml:8:1: unknown field "paid" in operations.c; it takes chain, summary, retry"#,
        ),
    ] {
        assert!(CHAIN.contains(from), "{from}");
        let text = CHAIN.replacen(from, to, 1) + BY_URL;
        assert_eq!(message(&text), expected);
    }
}
