//! Broken catalogues, and the one line that each of them stops the start with.

use super::{VENDOR, load_with};

mod answers;
mod chains;
mod vendors;

fn message(text: &str) -> String {
    match load_with(text, &|_| None) {
        Ok(_) => panic!("this catalogue is not broken:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// Each case: what to replace in [`VENDOR`], with what, and the line.
fn check(cases: &[(&str, &str, &str)]) {
    for (from, to, expected) in cases {
        assert!(VENDOR.contains(from), "{from}");
        let shown = message(&VENDOR.replacen(from, to, 1));
        assert_eq!(&shown, expected);
        assert_eq!(shown.lines().count(), 1, "{shown}");
    }
}

#[test]
fn texts_that_are_no_catalogue() {
    for (text, expected) in [
        (
            "default = ",
            "operations.toml:1:11: this is not TOML: string values must be quoted, expected literal string",
        ),
        (
            "default = \"a\"\ndefault = \"b\"",
            "operations.toml:2:1: this is not TOML: the same key a second time; remove one of the two",
        ),
        (
            "default = \"a\"\n[operations.a",
            "operations.toml:2:14: this is not TOML: unclosed table, expected `]`",
        ),
        (
            "",
            r#"operations.toml:1:1: the catalogue lacks "default"; add default = "thumbnail""#,
        ),
        (
            "default = \"a\"",
            r#"operations.toml:1:1: the catalogue lacks "operations"; add [operations.thumbnail]"#,
        ),
        (
            "default = 1\n[operations]",
            "operations.toml:1:11: default must be a text in quotes, not 1",
        ),
        (
            "default = \"a\"\n[operations]",
            r#"operations.toml:1:11: default names no operation "a"; add a table [operations.a]"#,
        ),
        (
            "default = \"a\"\noperations = 3",
            "operations.toml:2:14: operations must be a table, not 3",
        ),
        (
            "defualt = \"a\"",
            r#"operations.toml:1:1: unknown field "defualt" at the top; did you mean "default"?"#,
        ),
    ] {
        assert_eq!(message(text), expected);
    }
}

#[test]
fn entries() {
    check(&[
        (
            "default = \"v\"",
            "default = \"w\"",
            r#"operations.toml:2:11: default names no operation "w"; did you mean "v"?"#,
        ),
        (
            "default = \"v\"",
            "default = \"thumbs\"",
            r#"operations.toml:2:11: default names no operation "thumbs"; it can be v"#,
        ),
        (
            "operations.v]",
            "operations.V]",
            r#"operations.toml:3:13: "V" is no name: names are 1 to 64 characters of a-z, 0-9, '-' and '_', and begin with a letter or a digit"#,
        ),
        (
            "summary = \"Something\"",
            "",
            r#"operations.toml:3:1: operations.v lacks "summary"; add summary = "What it does, in a sentence""#,
        ),
        (
            "summary = \"Something\"",
            "summary = \" \"",
            r#"operations.toml:4:11: operations.v.summary must be a sentence, not " ""#,
        ),
        (
            "summary",
            "sumary",
            r#"operations.toml:4:1: unknown field "sumary" in operations.v; did you mean "summary"?"#,
        ),
        (
            "[operations.v.vendor]",
            "[operations.v.vendro]",
            r#"operations.toml:6:15: unknown field "vendro" in operations.v; did you mean "vendor"?"#,
        ),
        (
            "summary = ",
            "transform = \"thumbnail\"\nsummary = ",
            "operations.toml:7:1: operations.v has both transform and vendor; leave one of them out",
        ),
        (
            "summary = ",
            "max_pixels = 3\nsummary = ",
            r#"operations.toml:4:1: unknown field "max_pixels" in operations.v; it takes vendor, summary, params, paid, retry, limits"#,
        ),
        (
            "summary = ",
            "paid = \"no\"\nsummary = ",
            r#"operations.toml:4:8: operations.v.paid must be true or false, not "no""#,
        ),
        (
            "summary = ",
            "retry = { max_attempts = 0 }\nsummary = ",
            "operations.toml:4:26: operations.v.retry.max_attempts must be a whole number from 1 to 20, not 0",
        ),
        (
            "summary = ",
            "retry = { max_attempts = 21 }\nsummary = ",
            "operations.toml:4:26: operations.v.retry.max_attempts must be a whole number from 1 to 20, not 21",
        ),
        (
            "summary = ",
            "retry = { base_seconds = 9, cap_seconds = 2.5 }\nsummary = ",
            "operations.toml:4:43: operations.v.retry.cap_seconds must be a number from 9 to 3600, not 2.5",
        ),
        (
            "summary = ",
            "retry = { attempts = 2 }\nsummary = ",
            r#"operations.toml:4:11: unknown field "attempts" in operations.v.retry; it takes max_attempts, base_seconds, cap_seconds"#,
        ),
    ]);
}

#[test]
fn transforms() {
    let entry = "default = \"t\"\n[operations.t]\nsummary = \"T\"\n";
    for (rest, expected) in [
        (
            "",
            r#"operations.toml:2:1: operations.t lacks "transform", "vendor" or "chain"; add transform = "thumbnail" or a table [operations.t.vendor]"#,
        ),
        (
            "transform = \"thumnail\"",
            r#"operations.toml:4:13: operations.t.transform can't be "thumnail"; did you mean "thumbnail"?"#,
        ),
        (
            "transform = \"blur\"",
            r#"operations.toml:4:13: operations.t.transform can't be "blur"; it can be thumbnail, resize, convert, optimize, watermark, inspect"#,
        ),
        (
            "transform = \"thumbnail\"\nmax_pixels = 0",
            "operations.toml:5:14: operations.t.max_pixels must be a whole number from 1 to 500000000, not 0",
        ),
        (
            "transform = \"thumbnail\"\ndefaults = { witdh = 3 }",
            r#"operations.toml:5:14: the transform has no parameter "witdh"; did you mean "width"?"#,
        ),
        (
            "transform = \"thumbnail\"\ndefaults = { width = 0 }",
            "operations.toml:5:22: operations.t.defaults.width must be a whole number from 1 to 8192, not 0",
        ),
        (
            "transform = \"thumbnail\"\ndefaults = { format = \"gif\" }",
            r#"operations.toml:5:23: operations.t.defaults.format must be one of auto, jpeg, png, webp, avif, not "gif""#,
        ),
        (
            "transform = \"thumbnail\"\ndefaults = { width = [] }",
            "operations.toml:5:22: operations.t.defaults.width must be a whole number from 1 to 8192, not a list",
        ),
        (
            "transform = \"thumbnail\"\nparams = {}",
            r#"operations.toml:5:1: unknown field "params" in operations.t; it takes transform, summary, defaults, retry, limits, max_pixels, overlay"#,
        ),
    ] {
        assert_eq!(message(&format!("{entry}{rest}")), expected);
    }
}

#[test]
fn parameters() {
    check(&[
        (
            "params.size",
            "params.Size",
            r#"operations.toml:5:8: "Size" can't name a parameter; use a-z, 0-9 and _, and begin with a letter"#,
        ),
        (
            "type = \"string\", ",
            "",
            r#"operations.toml:5:15: operations.v.params.size lacks "type"; add type = "string""#,
        ),
        (
            "\"string\"",
            "\"text\"",
            r#"operations.toml:5:24: operations.v.params.size.type can't be "text"; it can be boolean, integer, number, string"#,
        ),
        (
            "default = \"s\"",
            "default = \"large\"",
            r#"operations.toml:5:63: operations.v.params.size.default must be one of s, m, not "large""#,
        ),
        (
            "enum = [\"s\", \"m\"]",
            "enum = []",
            "operations.toml:5:41: operations.v.params.size.enum is empty; list the texts that the parameter can be",
        ),
        (
            "enum = [\"s\", \"m\"]",
            "enum = [\"s\", 1]",
            "operations.toml:5:47: operations.v.params.size.enum[1] must be a text in quotes, not 1",
        ),
        (
            "enum",
            "max_length = 3, enum",
            "operations.toml:5:47: operations.v.params.size has both enum and max_length; leave max_length out",
        ),
        (
            "enum = [\"s\", \"m\"]",
            "min = 1",
            r#"operations.toml:5:34: unknown field "min" in operations.v.params.size; it takes type, enum, max_length, default, summary"#,
        ),
        (
            "\"string\", enum = [\"s\", \"m\"]",
            "\"integer\", min = 3, max = 2",
            "operations.toml:5:50: operations.v.params.size.max must be a whole number from 3 to 1000000000, not 2",
        ),
        (
            "\"string\", enum = [\"s\", \"m\"]",
            "\"integer\", min = 3",
            r#"operations.toml:5:15: operations.v.params.size lacks "max"; add max = 100"#,
        ),
        (
            "\"string\", enum = [\"s\", \"m\"], default = \"s\"",
            "\"integer\", min = 1, max = 2, default = 3",
            "operations.toml:5:63: operations.v.params.size.default must be a whole number from 1 to 2, not 3",
        ),
        (
            "fields = { size = \"{param:size}\" }",
            "",
            r#"operations.toml:5:8: the parameter "size" goes nowhere; use {param:size} in url, headers or fields, or remove it"#,
        ),
    ]);
}

#[test]
fn limits() {
    check(&[
        (
            "summary = ",
            "limits = { rate = \"500/day\" }\nsummary = ",
            r#"operations.toml:4:19: operations.v.limits.rate: a rate is so many calls in a time, such as "20/s", "500/min" or "5000/h", from 1 to 1000000"#,
        ),
        (
            "summary = ",
            "limits = { rate = 5 }\nsummary = ",
            "operations.toml:4:19: operations.v.limits.rate must be a text in quotes, not 5",
        ),
        (
            "summary = ",
            "limits = { rate = \"5/s\", burst = 6 }\nsummary = ",
            "operations.toml:4:10: operations.v.limits: burst is more than the calls of the rate",
        ),
        (
            "summary = ",
            "limits = { burst = 6 }\nsummary = ",
            "operations.toml:4:10: operations.v.limits: burst needs a rate",
        ),
        (
            "summary = ",
            "limits = { concurrency = 0 }\nsummary = ",
            "operations.toml:4:26: operations.v.limits.concurrency must be a whole number from 1 to 1000000, not 0",
        ),
        (
            "summary = ",
            "limits = { rat = \"5/s\" }\nsummary = ",
            r#"operations.toml:4:12: unknown field "rat" in operations.v.limits; did you mean "rate"?"#,
        ),
    ]);
}

/// The environment says the same in another way, and breaks in one line too.
#[test]
fn limits_of_the_environment() {
    let set = |text: &'static str| {
        move |name: &str| (name == "ASSETMILL_LIMITS_V").then(|| text.to_owned())
    };
    let declared = VENDOR.replacen("summary", "limits = { rate = \"1/s\" }\nsummary", 1);
    let limits = |text| {
        let catalogue = load_with(&declared, &set(text)).unwrap();
        catalogue.get("v").unwrap().limits()
    };
    let shown = limits("rate=500/min,burst=20,concurrency=7");
    assert_eq!(shown.rate.unwrap().to_string(), "500/min");
    assert_eq!(shown.concurrency.unwrap().get(), 7);
    assert_eq!(limits(""), assetmill_core::pacing::Limits::default());
    let Err(error) = load_with(VENDOR, &set("rate=fast")) else {
        panic!("it is taken");
    };
    let expected = "the environment variable ASSETMILL_LIMITS_V: a rate is so many calls in a time";
    let shown = error.to_string();
    assert!(shown.contains(expected), "{shown}");
    assert_eq!(shown.lines().count(), 1);
}

/// A variable that does nothing is a limit that somebody believes in.
#[test]
fn limits_of_the_environment_for_what_is_not_there() {
    let catalogue = load_with(VENDOR, &|_| None).unwrap();
    let check = |name: &str| {
        let variables = ["PATH".to_owned(), name.to_owned()];
        crate::check_variables(&catalogue, variables).map_err(|error| error.to_string())
    };
    assert_eq!(check("ASSETMILL_LIMITS_V"), Ok(()));
    for wrong in ["ASSETMILL_LIMITS_W", "ASSETMILL_LIMITS_v"] {
        let expected = format!(
            "the environment variable {wrong} limits no operation of the catalogue; \
             did you mean \"ASSETMILL_LIMITS_V\"?"
        );
        assert_eq!(check(wrong), Err(expected));
    }
}
