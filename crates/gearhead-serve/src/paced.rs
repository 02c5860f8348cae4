//! Streams to clients that may stop reading.

use std::{io, pin::pin, time::Duration};

use futures_util::{Stream, StreamExt};
use tokio::{sync::mpsc, time::timeout};

/// Items that may wait for a client.
const AHEAD: usize = 16;

/// How a stream ended.
enum End {
    Whole,
    GivenUp,
}

/// The same stream, which is given up with an error where a client takes nothing for so long. A stream that is not read is
/// not asked either, so it could not give up its place by itself: a task of its own asks it.
pub(crate) fn paced<T: Send + 'static>(
    inner: impl Stream<Item = T> + Send + 'static,
    patience: Duration,
) -> impl Stream<Item = io::Result<T>> + Send {
    let (sender, mut items) = mpsc::channel(AHEAD);
    let task = tokio::spawn(async move {
        let mut inner = pin!(inner);
        loop {
            let item = tokio::select! {
                item = inner.next() => item,
                () = sender.closed() => return End::GivenUp,
            };
            let Some(item) = item else { return End::Whole };
            if !matches!(timeout(patience, sender.send(item)).await, Ok(Ok(()))) {
                return End::GivenUp;
            }
        }
    });
    async_stream::stream! {
        while let Some(item) = items.recv().await {
            yield Ok(item);
        }
        if !matches!(task.await, Ok(End::Whole)) {
            yield Err(io::Error::from(io::ErrorKind::TimedOut));
        }
    }
}
