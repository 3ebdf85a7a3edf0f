//! What the one flow of a request made, while somebody has it in memory.

use bytes::Bytes;

use crate::Output;
use crate::ports::{OutputWrites, Unavailable};

/// What a flow made, for its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It is stored, too.
    Stored(Bytes),
    /// It is nowhere else.
    NotStored {
        /// What was made.
        content: Bytes,
        /// What it was made of: whoever has it holds the room of both in the memory of assets.
        asset: Bytes,
    },
}

/// Content, and what holds its room.
struct Roomy {
    content: Bytes,
    _asset: Bytes,
}

impl AsRef<[u8]> for Roomy {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Made {
    /// Whether its asset holds room for it: that has room for three of its size. What steps in between made has none of its
    /// own, and does not count.
    pub fn has_room(&self) -> bool {
        match self {
            Self::Stored(_) => false,
            Self::NotStored { content, asset } => content.len() <= asset.len().saturating_mul(2),
        }
    }

    /// Sees to it that it is stored, as this output, and is in memory no more.
    ///
    /// # Errors
    /// If it can't be stored.
    pub async fn store(
        self,
        output: &Output,
        outputs: &dyn OutputWrites,
    ) -> Result<(), Unavailable> {
        let Self::NotStored { content, asset } = self else {
            return Ok(());
        };
        // Whoever writes it holds its room, also when the caller is gone.
        let content = Bytes::from_owner(Roomy {
            content,
            _asset: asset,
        });
        outputs.put(&output.key, content, &output.media_type).await
    }

    /// All of it, for a caller who may take hours to read it: it holds no room in the memory of assets.
    pub fn into_content(self) -> Bytes {
        let (Self::Stored(content) | Self::NotStored { content, .. }) = self;
        // Bytes that hold room have an owner, and are never unique.
        if content.is_unique() {
            content
        } else {
            Bytes::copy_from_slice(&content)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::{MediaType, OutputKey, Sha256Digest, Shares, TenantId};

    const MEMORY: u64 = 100;

    /// Whoever writes what it is given.
    #[derive(Default)]
    struct Writer(Mutex<Option<Bytes>>);

    #[async_trait]
    impl OutputWrites for Writer {
        async fn put(
            &self,
            _: &OutputKey,
            content: Bytes,
            _: &MediaType,
        ) -> Result<(), Unavailable> {
            *self.0.lock().unwrap() = Some(content);
            Ok(())
        }

        async fn size(&self, _: &OutputKey) -> Result<Option<u64>, Unavailable> {
            Ok(None)
        }

        async fn get(&self, _: &OutputKey) -> Result<Option<Bytes>, Unavailable> {
            Ok(None)
        }
    }

    fn tenant() -> TenantId {
        "a".parse().unwrap()
    }

    /// Bytes that have all of the memory.
    fn with_all_of(memory: &Shares) -> Bytes {
        let all = memory.try_take(&tenant(), MEMORY).unwrap();
        all.hold(Bytes::from_static(b"made"))
    }

    #[test]
    fn callers_hold_no_room_of_assets() {
        let memory = Shares::new(MEMORY, MEMORY);
        let with_room = Made::Stored(with_all_of(&memory));
        let content = with_room.into_content();
        assert!(memory.try_take(&tenant(), MEMORY).is_some());
        assert_eq!(content, "made");
        let made_of = Made::NotStored {
            content: content.clone(),
            asset: with_all_of(&memory),
        };
        assert_eq!(made_of.into_content(), content);
        assert!(memory.try_take(&tenant(), MEMORY).is_some());
    }

    #[tokio::test]
    async fn whoever_writes_holds_room_until_it_is_written() {
        let memory = Shares::new(MEMORY, MEMORY);
        let content = Bytes::from_static(b"made");
        let (sha256, media_type) = (Sha256Digest::of(&content), MediaType::png());
        let output = Output {
            key: OutputKey::new(&tenant(), &sha256, &media_type),
            bytes: content.len() as u64,
            media_type,
            sha256,
        };
        let asset = with_all_of(&memory);
        let writer = Writer::default();
        let made = Made::NotStored { content, asset };
        made.store(&output, &writer).await.unwrap();
        assert!(memory.try_take(&tenant(), 1).is_none());
        let written = writer.0.lock().unwrap().take();
        assert_eq!(written.unwrap(), "made");
        assert!(memory.try_take(&tenant(), MEMORY).is_some());
    }
}
