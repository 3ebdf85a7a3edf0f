//! What flows wait for, in plain words.

/// A reason as a part of a sentence that begins with "waits:". One that is not known is told as it is.
pub(crate) fn in_words(reason: &str) -> &str {
    match reason {
        "vendor_throttled" => "the vendor asked for patience",
        "source_throttled" => "the host of the asset asked for patience",
        "source_paced" => "its turn at the host of the asset, which is spared",
        "vendor_job" => "the vendor works on it",
        "same_work" => "another flow makes the same, and this one takes it",
        "retry" => "another try",
        "worker" => "a worker that has time for its next step",
        "rate" => "its slot, as the limits of the operation allow",
        "concurrency" => "a place, as many calls go on as the operation allows",
        "vendor_down" => "the vendor is down",
        "paused" => "an operator has stopped the operation",
        other => other,
    }
}

/// The same in a word or two.
pub(crate) fn in_short(reason: &str) -> &str {
    match reason {
        "vendor_throttled" => "vendor's patience",
        "source_throttled" | "source_paced" => "host of the asset",
        "vendor_job" => "vendor's job",
        "same_work" => "same work",
        "vendor_down" => "vendor down",
        "rate" | "concurrency" => "limits",
        other => other,
    }
}
