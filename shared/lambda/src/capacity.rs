//! How a function's memory is shared out.

/// What a process of ours has besides flows, and the codec processes beside it while they are idle.
const RESIDENT: u64 = 192 * MIB;
const MIB: u64 = 1024 * 1024;

/// How a function's memory is shared out: in bytes, of which each flow takes what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// For pictures in work: what decoding and encoding take, as it is known from their headers.
    pub pictures: u64,
    /// For assets on their way, and outputs.
    pub assets: u64,
}

impl Capacity {
    /// The shares of a function with so much memory: half of what is left is for pictures, as a large one
    /// takes more than all assets in flight.
    pub fn of(memory_mib: u64) -> Self {
        let free = (memory_mib * MIB).saturating_sub(RESIDENT);
        Self {
            pictures: free / 2,
            assets: free - free / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_given_twice() {
        for memory in [128, 192, 512, 3_008, 10_240] {
            let Capacity { pictures, assets } = Capacity::of(memory);
            assert!(pictures + assets <= memory * MIB, "{memory}");
        }
        assert_eq!(Capacity::of(3_008).pictures, 1_408 * MIB);
    }
}
