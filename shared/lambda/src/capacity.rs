//! How many flows fit into a function's memory.

/// What a process of ours has besides flows.
const RESIDENT: u64 = 128 * MIB;
/// A decoded picture of the most pixels that are taken, at 8 bytes each. Of these there are as many
/// as cores, and Lambda gives at most two up to 3 GB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
const DECODED: u64 = 2 * 800_000_000;
const MIB: u64 = 1024 * 1024;
/// SQS hands over ten messages, unless the event source mapping waits for more.
const MOST: u64 = 16;

/// How many flows a function with so much memory processes at the same time, at least one: each
/// holds its asset, and then its asset and its output.
pub fn parallel(memory_mib: u64, max_asset_bytes: u64) -> usize {
    let for_flows = (memory_mib * MIB).saturating_sub(RESIDENT + DECODED);
    let flows = for_flows / (2 * max_asset_bytes).max(1);
    usize::try_from(flows.clamp(1, MOST)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_memory_holds_more_flows() {
        for (memory, flows) in [(512, 1), (2_048, 3), (3_008, 13), (10_240, 16)] {
            assert_eq!(parallel(memory, 50 * MIB), flows, "{memory}");
        }
        assert_eq!(parallel(3_008, 0), 16);
    }
}
