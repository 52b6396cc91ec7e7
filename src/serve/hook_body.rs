//! Reads the bodies of webhooks: only so large, only so long, and only so many bytes of all of them at once.

use axum::body::Body;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// GitLab sends no webhook above 25 MB.
const LARGEST: usize = 25 * 1024 * 1024;
/// Bytes of all bodies that are under way. GitLab's are a few kilobytes each.
const ROOM: usize = 64 * 1024 * 1024;
/// How long a body may take to come. GitLab waits as long for the whole answer.
const TIME: Duration = Duration::from_secs(10);

/// The room for bodies that are under way: strangers could fill the memory with them before it is known who they are.
#[derive(Debug)]
pub(super) struct BodyRoom {
    bytes: Semaphore,
    time: Duration,
}

impl Default for BodyRoom {
    fn default() -> Self {
        Self { bytes: Semaphore::new(ROOM), time: TIME }
    }
}

/// A body, and the room that it takes.
#[derive(Debug)]
pub(super) struct HookBody<'a> {
    pub(super) bytes: Vec<u8>,
    _room: Option<SemaphorePermit<'a>>,
}

impl BodyRoom {
    /// Reads a body; nothing where it is too large, too slow or cut off.
    pub(super) async fn read(&self, body: Body) -> Option<HookBody<'_>> {
        timeout(self.time, self.whole(body)).await.ok().flatten()
    }

    async fn whole(&self, body: Body) -> Option<HookBody<'_>> {
        let mut parts = body.into_data_stream();
        let (mut bytes, mut room): (Vec<u8>, Option<SemaphorePermit<'_>>) = (Vec::new(), None);
        while let Some(part) = parts.next().await {
            let part = part.ok()?;
            if bytes.len() + part.len() > LARGEST {
                return None;
            }
            let more = self.bytes.acquire_many(u32::try_from(part.len()).ok()?).await.ok()?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            bytes.extend_from_slice(&part);
        }
        Some(HookBody { bytes, _room: room })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use futures_util::stream;
    use std::io;

    const PART: usize = 1024 * 1024;

    /// A body of so many parts, after which it ends, breaks off or goes on without a word.
    fn body(parts: usize, end: &str) -> Body {
        let part = || Ok::<_, io::Error>(Bytes::from(vec![b' '; PART]));
        let parts = stream::iter((0..parts).map(move |_| part()));
        match end {
            "ends" => Body::from_stream(parts),
            "breaks" => Body::from_stream(parts.chain(stream::iter([Err(io::Error::other("reset"))]))),
            _ => Body::from_stream(parts.chain(stream::pending())),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_read_whole_or_not_at_all_and_gives_its_room_back() {
        let room = BodyRoom::default();
        let cases = [
            ("no body", 0, "ends", Some(0)),
            ("a small one", 1, "ends", Some(PART)),
            ("the largest", 25, "ends", Some(25 * PART)),
            ("a larger one", 26, "ends", None),
            ("one without an end", 1, "waits", None),
            ("one that breaks off", 1, "breaks", None),
        ];
        for (sentence, parts, end, expected) in cases {
            let read = room.read(body(parts, end)).await;
            assert_eq!(read.map(|read| read.bytes.len()), expected, "{sentence}");
            assert_eq!(room.bytes.available_permits(), ROOM, "{sentence}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_without_an_end_take_only_the_room_there_is_and_only_for_a_time() {
        let room = BodyRoom::default();
        let slow = futures_util::future::join_all((0..10).map(|_| room.read(body(24, "waits"))));
        let read = futures_util::future::join(slow, async {
            tokio::task::yield_now().await;
            // Two are in, a third in part: it waits for room until the first ones are given up.
            assert!(room.bytes.available_permits() < 24 * PART);
            room.read(body(1, "ends")).await.map(|read| read.bytes.len())
        });
        let (slow, small) = read.await;
        assert!(slow.iter().all(Option::is_none) && small.is_none_or(|len| len == PART));
        assert_eq!(room.bytes.available_permits(), ROOM);
        assert!(room.read(body(24, "ends")).await.is_some());
    }
}
