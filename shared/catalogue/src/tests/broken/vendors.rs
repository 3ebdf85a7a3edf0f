//! What is wrong with a vendor.

use super::{VENDOR, check, message};

#[test]
fn requests() {
    check(&[
        (
            "method",
            "metod",
            r#"operations.toml:7:1: unknown field "metod" in operations.v.vendor; did you mean "method"?"#,
        ),
        (
            "method = \"POST\"",
            "",
            r#"operations.toml:6:1: operations.v.vendor lacks "method"; add method = "POST""#,
        ),
        (
            "\"POST\"",
            "\"POTS\"",
            r#"operations.toml:7:10: operations.v.vendor.method can't be "POTS"; did you mean "POST"?"#,
        ),
        (
            "https://api",
            "ftp://api",
            r#"operations.toml:8:7: operations.v.vendor.url must be an http or https URL, such as "https://api.example.com/v1/do", not "ftp://api.example.com/v1/do""#,
        ),
        (
            "https://api.example.com",
            "api.example.com",
            r#"operations.toml:8:7: operations.v.vendor.url must be an http or https URL, such as "https://api.example.com/v1/do", not "api.example.com/v1/do""#,
        ),
        (
            "https://api",
            "https://me:pw@api",
            "operations.toml:8:7: operations.v.vendor.url has a user name or password in it; send it in a header, as {env:NAME}",
        ),
        (
            "https://api.example.com",
            "https://{param:size}.example.com",
            r#"operations.toml:8:7: operations.v.vendor.url has a placeholder in its host; write scheme, host and port out, up to a "/""#,
        ),
        (
            "https://api.example.com/v1/do",
            "{env:BASE}/v1/do",
            r#"operations.toml:8:7: operations.v.vendor.url has a placeholder in its host; write scheme, host and port out, up to a "/""#,
        ),
        (
            "/v1/do",
            "/v1/{param:seize}",
            r#"operations.toml:8:7: operations.v.vendor.url uses the unknown parameter "seize"; did you mean "size"?"#,
        ),
        (
            "/v1/do",
            "/v1/{parm:size}",
            "operations.toml:8:7: operations.v.vendor.url has the unknown placeholder {parm:size}; use {env:NAME}, {param:name} or {asset:url}, or another of docs/operations.md",
        ),
        (
            "/v1/do",
            "/v1/{param:size",
            r#"operations.toml:8:7: operations.v.vendor.url has a "{" that is not closed; close it with "}", or write "{{" for a brace"#,
        ),
        (
            "/v1/do",
            "/v1/do}",
            r#"operations.toml:8:7: operations.v.vendor.url has a "}" that closes nothing; write "}}" for a brace"#,
        ),
        (
            "\"{param:size}\" }",
            "\"{param:size}\" }\nparams = 3",
            r#"operations.toml:12:1: unknown field "params" in operations.v.vendor; it takes method, url, headers, encoding, fields, asset, then, ok_if, result, error, classify, resend, look_up, meter, rate, timeout_seconds, job_timeout_seconds, max_response_bytes"#,
        ),
        (
            "Authorization",
            "\"Author ization\"",
            r#"operations.toml:9:13: "Author ization" can't name a header; use a name such as "Authorization""#,
        ),
        (
            "\"Bearer {env:KEY}\"",
            "\"a\\nb\"",
            r#"operations.toml:9:29: operations.v.vendor.headers.Authorization must be a text without line breaks and control characters, not "a\nb""#,
        ),
        (
            "\"Bearer {env:KEY}\"",
            "\"Bearer {env:}\"",
            "operations.toml:9:29: operations.v.vendor.headers.Authorization has the unknown placeholder {env:}; use {env:NAME}, {param:name} or {asset:url}, or another of docs/operations.md",
        ),
        (
            "asset",
            "timeout_seconds = 121\nasset",
            "operations.toml:12:19: operations.v.vendor.timeout_seconds must be a whole number from 1 to 120, not 121",
        ),
        (
            "asset",
            "max_response_bytes = 0\nasset",
            "operations.toml:12:22: operations.v.vendor.max_response_bytes must be a whole number from 1 to 1073741824, not 0",
        ),
    ]);
    let absent = VENDOR.replace(", default = \"s\"", "");
    let in_url = absent.replace("/v1/do", "/v1/{param:size}");
    assert_eq!(
        message(&in_url),
        r#"operations.toml:8:7: operations.v.vendor.url needs the parameter "size", which may be absent; give it a default"#
    );
}

#[test]
fn payloads() {
    check(&[
        (
            "\"json\"",
            "\"jsno\"",
            r#"operations.toml:10:12: operations.v.vendor.encoding can't be "jsno"; did you mean "json"?"#,
        ),
        (
            "\"json\"",
            "\"none\"",
            r#"operations.toml:11:10: encoding "none" carries no fields; put them into the url or the headers, or use another encoding"#,
        ),
        (
            "\"json\"",
            "\"raw\"",
            r#"operations.toml:11:10: encoding "raw" carries no fields; put them into the url or the headers, or use another encoding"#,
        ),
        (
            "{ size = ",
            "{ size = [1], other = ",
            "operations.toml:11:19: operations.v.vendor.fields.size must be a text, a number, true or false, not a list",
        ),
        (
            "{ size = ",
            "{ image = \"x\", size = ",
            r#"operations.toml:12:9: asset and fields both fill "image"; take it out of one of them"#,
        ),
        (
            "{ size = ",
            "{ \"size.x\" = 1, size = ",
            r#"operations.toml:11:26: the fields "size.x" and "size" exclude each other; remove one of them"#,
        ),
        (
            "{ size = ",
            "{ \"a..b\" = 1, size = ",
            r#"operations.toml:11:12: "a..b" can't name a field; use a name, or a path such as "input.image""#,
        ),
        (
            "asset = { as = \"url\", field = \"image\" }",
            "",
            r#"operations.toml:6:1: operations.v.vendor lacks "asset"; add asset = { as = "file", field = "image" }"#,
        ),
        (
            "as = \"url\"",
            "as = \"file\"",
            r#"operations.toml:12:16: a file needs encoding "multipart" or "raw"; change one of them"#,
        ),
        (
            "as = \"url\"",
            "as = \"link\"",
            r#"operations.toml:12:16: operations.v.vendor.asset.as can't be "link"; it can be url, file, base64"#,
        ),
        (
            ", field = \"image\"",
            "",
            r#"operations.toml:12:9: operations.v.vendor.asset lacks "field"; add field = "image", the field that it goes into"#,
        ),
        (
            "field = \"image\"",
            "field = \"image\", accepts = [\"image\"]",
            r#"operations.toml:12:51: operations.v.vendor.asset.accepts[0] must be a media type, such as "image/png", not "image""#,
        ),
        (
            "field = \"image\"",
            "field = \"image\", max_bytes = 0",
            "operations.toml:12:52: operations.v.vendor.asset.max_bytes must be a whole number from 1 to 1073741824, not 0",
        ),
    ]);
    let multipart = VENDOR.replace("\"json\"", "\"multipart\"");
    let no_field = multipart.replace("as = \"url\", field = \"image\"", "as = \"file\"");
    assert_eq!(
        message(&no_field),
        r#"operations.toml:12:9: operations.v.vendor.asset lacks "field"; add field = "image", the field that it goes into"#
    );
    let raw = VENDOR
        .replace("\"json\"", "\"raw\"")
        .replace("fields = { size = \"{param:size}\" }", "")
        .replace("/v1/do", "/v1/do?size={param:size}");
    assert_eq!(
        message(&raw),
        r#"operations.toml:12:16: encoding "raw" sends the asset itself; make as "file""#
    );
    assert_eq!(
        message(&raw.replace("as = \"url\"", "as = \"file\"")),
        "operations.toml:12:32: operations.v.vendor.asset.field has no meaning, since the body is the asset; leave it out"
    );
    let none = raw.replace("\"raw\"", "\"none\"");
    assert_eq!(
        message(&none),
        "operations.toml:12:16: the asset goes nowhere; use {asset:url} in url or headers, or another encoding"
    );
}

#[test]
fn results() {
    check(&[
        (
            "kind = \"body\"",
            "kind = \"url\"",
            r#"operations.toml:13:10: operations.v.vendor.result lacks "at"; add at = "/data/0/url""#,
        ),
        (
            "kind = \"body\"",
            "kind = \"url\", at = \"data.url\"",
            r#"operations.toml:13:31: operations.v.vendor.result.at must be a JSON pointer, such as "/errors/0/title", not "data.url""#,
        ),
        (
            "kind = \"body\"",
            "kind = \"body\", at = \"/data\"",
            r#"operations.toml:13:32: operations.v.vendor.result.at has no meaning where the body is the result; leave it out, or make kind "url" or "base64""#,
        ),
        (
            "kind = \"body\"",
            "kind = \"bytes\"",
            r#"operations.toml:13:19: operations.v.vendor.result.kind can't be "bytes"; it can be body, url, base64"#,
        ),
        (
            "kind = \"body\"",
            "kind = \"body\", produces = \"image/png\"",
            r#"operations.toml:13:38: operations.v.vendor.result.produces must be a list in brackets, not "image/png""#,
        ),
        (
            "result",
            "error = { message = \"the title\" }\nresult",
            r#"operations.toml:13:21: operations.v.vendor.error.message must be a JSON pointer, such as "/errors/0/title", or the name of a header, not "the title""#,
        ),
    ]);
}
