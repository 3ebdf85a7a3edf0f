//! What is wrong with what is said of answers, and with templates.

use super::check;

#[test]
fn then() {
    check(&[
        (
            "result =",
            "then = { until = { status = [200] } }\nresult =",
            r#"operations.toml:13:8: operations.v.vendor.then lacks "url"; add url = "{header:location}""#,
        ),
        (
            "result =",
            "then = { url = \"ftp://x.test/{answer:/id}\" }\nresult =",
            r#"operations.toml:13:16: operations.v.vendor.then.url must be an http or https URL, such as "https://api.example.com/v1/do", not "ftp://x.test/{answer:/id}""#,
        ),
        (
            "result =",
            "then = { url = \"{answer:/host}/x\" }\nresult =",
            r#"operations.toml:13:16: operations.v.vendor.then.url has a placeholder in its host; write scheme, host and port out, up to a "/""#,
        ),
        (
            "result =",
            "then = { url = \"{answer:id}\" }\nresult =",
            "operations.toml:13:16: operations.v.vendor.then.url has the unknown placeholder {answer:id}; use {env:NAME}, {param:name} or {asset:url}, or another of docs/operations.md",
        ),
        (
            "result =",
            "then = { url = \"{header:location}\", method = \"POST\", until = { status = [200] } }\nresult =",
            "operations.toml:13:62: operations.v.vendor.then.until repeats the request, which only a GET can be; leave method out",
        ),
        (
            "result =",
            "then = { url = \"{header:location}\", every_seconds = 0 }\nresult =",
            "operations.toml:13:53: operations.v.vendor.then.every_seconds must be a number from 0.01 to 60, not 0",
        ),
        (
            "result =",
            "then = [{ url = \"{header:location}\", untill = {} }]\nresult =",
            r#"operations.toml:13:38: unknown field "untill" in operations.v.vendor.then[0]; did you mean "until"?"#,
        ),
    ]);
}

#[test]
fn conditions() {
    check(&[
        (
            "result =",
            "ok_if = {}\nresult =",
            r#"operations.toml:13:9: operations.v.vendor.ok_if asks for nothing; add status = [200], or at = "/status" and is = ["done"]"#,
        ),
        (
            "result =",
            "ok_if = { is = [\"done\"], status = [200] }\nresult =",
            r#"operations.toml:13:16: operations.v.vendor.ok_if.is needs a place to look at; add at = "/status""#,
        ),
        (
            "result =",
            "ok_if = [{ status = [99] }]\nresult =",
            "operations.toml:13:22: operations.v.vendor.ok_if[0].status[0] must be a whole number from 100 to 599, not 99",
        ),
        (
            "result =",
            "ok_if = { at = \"/status\", is = [[]] }\nresult =",
            "operations.toml:13:33: operations.v.vendor.ok_if.is[0] must be a text, a number, true or false, not a list",
        ),
    ]);
}

#[test]
fn meanings() {
    check(&[
        (
            "result =",
            "classify = { 402 = \"acount\" }\nresult =",
            r#"operations.toml:13:20: operations.v.vendor.classify.402 can't be "acount"; did you mean "account"?"#,
        ),
        (
            "result =",
            "resend = \"sometimes\"\nresult =",
            r#"operations.toml:13:10: operations.v.vendor.resend can't be "sometimes"; it can be never, rejected_only, always"#,
        ),
        (
            "result =",
            "meter = { price = \"/cost\" }\nresult =",
            r#"operations.toml:13:11: unknown field "price" in operations.v.vendor.meter; it takes cost, remaining"#,
        ),
        (
            "result =",
            "rate = { reset = \"at noon\" }\nresult =",
            r#"operations.toml:13:18: operations.v.vendor.rate.reset must be a JSON pointer, such as "/errors/0/title", or the name of a header, not "at noon""#,
        ),
        (
            "kind = \"body\"",
            "kind = \"body\", mask = \"yes\"",
            r#"operations.toml:13:34: operations.v.vendor.result.mask must be true or false, not "yes""#,
        ),
    ]);
}

#[test]
fn templates() {
    check(&[
        (
            "Bearer {env:KEY}",
            "Basic {env:KEY|basik}",
            r#"operations.toml:9:29: operations.v.vendor.headers.Authorization has the unknown filter "basik"; it can be base64, base64url, urlencode or basic, as in {env:KEY|basic:user}"#,
        ),
        (
            "Bearer {env:KEY}",
            "{imgproxy:KEY,SALT}",
            r#"operations.toml:9:29: operations.v.vendor.headers.Authorization is no URL to be signed; {imgproxy:…} is for "url""#,
        ),
        (
            "Bearer {env:KEY}",
            "Bearer {ssm:a key}",
            "operations.toml:9:29: operations.v.vendor.headers.Authorization has the unknown placeholder {ssm:a key}; use {env:NAME}, {param:name} or {asset:url}, or another of docs/operations.md",
        ),
        (
            "v1/do",
            "v1/{answer:/id}",
            r#"operations.toml:6:1: operations.v.vendor uses an answer in its first request; {answer:…} and {header:…} are for "then""#,
        ),
    ]);
}
