use super::*;

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn read(text: &str) -> CallerTable {
    parse(&text.replace("DIGEST", DIGEST)).unwrap()
}

fn limits(text: &str, tenant: &str) -> TenantLimits {
    read(text).limits(&tenant.parse().unwrap())
}

#[test]
fn a_file_says_who_may_call_and_how_much() {
    let callers = read(
        r#"
        [defaults.limits]
        requests_per_second = 5
        batch_size = 100

        [tenants.shop]
        limits = { requests_per_second = 0.5, open_flows = 200_000, asset_bytes = "5 MiB" }
        [[tenants.shop.keys]]
        name = "ci"
        sha256 = "DIGEST"
        created = 2026-01-01
        expires = 2027-01-01
        "#,
    );
    let key = callers.find("test", "2026-12-31T23:59:59Z".parse().unwrap());
    let key = key.unwrap();
    assert_eq!((key.tenant.as_str(), key.name.as_str()), ("shop", "ci"));
    let shop = callers.limits(&key.tenant);
    assert_eq!(shop.batch_size, 100);
    assert_eq!(shop.open_flows, 200_000);
    assert_eq!(shop.asset_bytes, Some(5 * 1024 * 1024));
    let rate = RequestRate {
        per_second: 0.5,
        burst: 1,
    };
    assert_eq!(shop.requests, Some(rate));
    let other = callers.limits(&"other".parse().unwrap());
    assert_eq!(other.requests.unwrap().burst, 5);
    assert_eq!(other.open_flows, TenantLimits::DEFAULT_OPEN_FLOWS);
}

#[test]
fn a_key_ends_when_it_expires_or_is_revoked() {
    for (ends, until) in [
        ("expires = 2027-01-01", "2026-12-31T23:59:59Z"),
        ("expires = 2027-01-01T00:00:00Z", "2026-12-31T23:59:59Z"),
        (
            "expires = 2027-01-01T02:00:00+02:00",
            "2026-12-31T23:59:59Z",
        ),
        ("expires = 2027-01-01T00:00:00", "2026-12-31T23:59:59Z"),
        ("revoked = true", ""),
    ] {
        let file = format!("[[tenants.a.keys]]\nname = \"k\"\nsha256 = \"DIGEST\"\n{ends}");
        let callers = read(&file);
        let at = |time: &str| callers.find("test", time.parse().unwrap()).is_ok();
        assert!(!at("2027-01-01T00:00:00Z"), "{ends}");
        assert!(until.is_empty() || at(until), "{ends}");
    }
}

#[test]
fn what_a_tenant_is_not_given_it_has_of_the_defaults() {
    let file = "[defaults.limits]\nrequests_per_second = 5\nburst = 9\nopen_flows = 7\n\
                [tenants.a.limits]\nburst = 20\n[tenants.b.limits]\nrequests_per_second = 2";
    let rate = |per_second, burst| Some(RequestRate { per_second, burst });
    assert_eq!(limits(file, "a").requests, rate(5.0, 20));
    assert_eq!(limits(file, "b").requests, rate(2.0, 2));
    assert_eq!(limits(file, "a").open_flows, 7);
    assert_eq!(limits("", "a"), TenantLimits::default());
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_without_its_value() {
    let key = "[[tenants.a.keys]]\nname = \"k\"\nsha256 = \"DIGEST\"\n";
    for (file, line, told) in [
        ("[tenants.a\n", 1, "]"),
        ("\n[tenant.a]", 2, "unknown field"),
        ("[tenants.\"Big Shop\"]", 1, "names are"),
        ("[tenants.a]\nkeys = [\"am_secret\"]", 2, "sha256"),
        (
            "[[tenants.a.keys]]\nname = \"k\"\nsha256 = \"am_secret\"",
            3,
            "64",
        ),
        ("[[tenants.a.keys]]\nsha256 = \"DIGEST\"", 1, "name"),
        (
            "[[tenants.a.keys]]\nname = \"\"\nsha256 = \"DIGEST\"",
            2,
            "name",
        ),
        ("KEYexpires = \"soon\"", 4, "expected"),
        ("KEYexpires = 12:00:00", 4, "2027"),
        ("KEYrevoked = \"am_secret\"", 4, "expected"),
        ("KEYkey = \"am_secret\"", 4, "unknown field"),
        ("KEYKEY", 6, "too"),
        (
            "KEY[tenants.b]\nkeys = [{ name = \"k\", sha256 = \"DIGEST\" }]",
            5,
            "the same key",
        ),
        ("[defaults.limits]\nrequests_per_second = 0", 2, "0.001"),
        ("[defaults.limits]\nrequests_per_second = inf", 2, "0.001"),
        ("[defaults.limits]\nburst = 3", 2, "requests_per_second"),
        ("[tenants.a.limits]\nopen_flows = 0", 2, "1 or more"),
        ("[tenants.a.limits]\nbatch_size = 10_001", 2, "10000"),
        ("[tenants.a.limits]\nasset_bytes = \"large\"", 2, "50 MiB"),
        ("[tenants.a.limits]\nasset_bytes = true", 2, "50 MiB"),
    ] {
        let text = file.replace("KEY", key).replace("DIGEST", DIGEST);
        let error = parse(&text).unwrap_err().to_string();
        let place = format!("line {line}: ");
        assert!(error.starts_with(&place), "{file}: {error}");
        assert!(error.contains(told), "{file}: {error}");
        assert!(!error.contains("am_secret"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
