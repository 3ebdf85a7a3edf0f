//! Settings of what pictures may take.

use std::time::Duration;

use assetmill_images::Bounds;
use assetmill_images::sandbox::Confinement;
use bytesize::ByteSize;

/// What pictures may take while they are worked on.
#[derive(Debug, Clone, clap::Args)]
pub struct Pictures {
    /// The memory that the pictures of one tenant in work may take together; one that would take more is
    /// refused. The pictures of all others may take a quarter more.
    #[arg(long, env = "ASSETMILL_PICTURE_MEMORY", default_value = "2 GiB")]
    pub picture_memory: ByteSize,

    /// The seconds of a core that one picture may take.
    #[arg(
        long,
        env = "ASSETMILL_PICTURE_SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=120)
    )]
    pub picture_seconds: u64,

    /// The most pixels of a result, width times height.
    #[arg(
        long,
        env = "ASSETMILL_MAX_OUTPUT_PIXELS",
        default_value_t = Bounds::default().output_pixels
    )]
    pub max_output_pixels: u64,

    /// Whether the processes that pictures are worked on in must be confined (require), or are where the
    /// kernel can (prefer).
    #[arg(long, env = "ASSETMILL_SANDBOX", default_value = "prefer")]
    pub sandbox: Confinement,
}

impl Pictures {
    /// What pictures may take.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            memory: self.picture_memory.as_u64(),
            memory_of_others: self.picture_memory.as_u64() / 4,
            cpu: Duration::from_secs(self.picture_seconds),
            output_pixels: self.max_output_pixels,
        }
    }
}
