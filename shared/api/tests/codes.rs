//! Every code and the status it is answered with: both are promises to clients.

use std::collections::BTreeSet;

use assetmill_api::ErrorCode;

#[rustfmt::skip]
const CODES: &[(&str, u16, Option<u64>)] = &[
    ("asset_empty", 422, None),
    ("asset_too_large", 422, None),
    ("batch_not_found", 404, None),
    ("body_incomplete", 400, None),
    ("body_timeout", 408, None),
    ("body_too_large", 413, None),
    ("budget_not_met", 422, None),
    ("corrupt_asset", 422, None),
    ("credentials_in_url", 422, None),
    ("empty_list", 422, None),
    ("flow_cancelled", 409, None),
    ("flow_not_found", 404, None),
    ("gave_up_waiting", 504, None),
    ("idempotency_key_reused", 422, None),
    ("internal", 500, None),
    ("invalid_batch_id", 400, None),
    ("invalid_body", 422, None),
    ("invalid_flow_id", 400, None),
    ("invalid_flow_id", 422, None),
    ("invalid_idempotency_key", 400, None),
    ("invalid_params", 422, None),
    ("invalid_query", 400, None),
    ("invalid_url", 422, None),
    ("malformed_json", 400, None),
    ("method_not_allowed", 405, None),
    ("not_ready", 503, Some(5)),
    ("nothing_selected", 422, None),
    ("nothing_to_retry", 409, None),
    ("operation_crashed", 500, None),
    ("operation_timeout", 504, None),
    ("operation_too_expensive", 422, None),
    ("operation_unavailable", 422, None),
    ("operation_unavailable", 502, None),
    ("source_bad_redirect", 422, None),
    ("source_denied", 422, None),
    ("source_incomplete", 422, None),
    ("source_not_found", 422, None),
    ("source_refused", 422, None),
    ("source_rejected", 422, None),
    ("source_throttled", 503, Some(30)),
    ("source_timeout", 504, None),
    ("source_unavailable", 503, Some(30)),
    ("still_processing", 504, None),
    ("too_many_flow_ids", 422, None),
    ("answer_too_large", 422, None),
    ("too_expensive", 422, None),
    ("too_many_pixels", 422, None),
    ("too_many_urls", 422, None),
    ("unauthorized", 401, None),
    ("unavailable", 503, Some(5)),
    ("unknown_operation", 422, None),
    ("link_refused", 403, None),
    ("unknown_path", 404, None),
    ("unsupported_content_type", 415, None),
    ("unsupported_media_type", 422, None),
    ("unsupported_scheme", 422, None),
    ("url_too_long", 422, None),
    ("vendor_denied", 502, None),
    ("vendor_moderated", 422, None),
    ("vendor_rejected", 422, None),
    ("vendor_response_invalid", 502, None),
    ("vendor_throttled", 503, Some(30)),
    ("vendor_timeout", 504, None),
    ("vendor_unavailable", 503, Some(30)),
    ("vendor_unconfirmed", 502, None),
    ("busy", 503, Some(5)),
    ("invalid_host", 400, None),
    ("unknown_host", 421, None),
    ("unsupported_transfer_encoding", 501, None),
    ("range_not_satisfiable", 416, None),
    ("precondition_failed", 412, None),
    ("rate_limited", 429, Some(1)),
    ("too_many_open_flows", 429, Some(10)),
    ("not_an_operator", 403, None),
    ("read_only_key", 403, None),
    ("operation_not_found", 404, None),
    ("worker_crashed", 500, None),
    ("webhook_not_found", 404, None),
    ("delivery_not_found", 404, None),
    ("too_many_webhooks", 409, None),
];

#[test]
fn every_code_has_its_status() {
    let actual: BTreeSet<_> = ErrorCode::all()
        .map(|code| {
            let wait = code.retry_after().map(|wait| wait.as_secs());
            (code.as_str(), code.status().as_u16(), wait)
        })
        .collect();
    assert_eq!(actual, CODES.iter().copied().collect());
}

#[test]
fn no_code_is_listed_twice() {
    assert_eq!(ErrorCode::all().count(), CODES.len());
}
