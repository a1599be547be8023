//! Admission: how much may wait for the journal at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;

/// There is no room for a request now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// Bounds the requests, and their bytes, that are not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    wait: Duration,
}

/// The room that one request takes; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    _request: OwnedSemaphorePermit,
    held: Option<OwnedSemaphorePermit>,
    bytes: Arc<Semaphore>,
    wait: Duration,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(limits.requests_in_flight)),
            bytes: Arc::new(Semaphore::new(limits.bytes_in_flight)),
            wait: limits.admission_wait,
        }
    }

    /// Requests that are in, and the bytes that they hold.
    pub(crate) fn in_flight(&self, limits: &Limits) -> (u64, u64) {
        let requests = limits.requests_in_flight.saturating_sub(self.requests.available_permits());
        let bytes = limits.bytes_in_flight.saturating_sub(self.bytes.available_permits());
        (requests as u64, bytes as u64)
    }

    /// Lets a request in, waiting a while for its turn.
    pub(crate) async fn enter(&self) -> Result<Ticket, Overloaded> {
        let request = Arc::clone(&self.requests).acquire_owned();
        match tokio::time::timeout(self.wait, request).await {
            Ok(Ok(request)) => Ok(Ticket {
                _request: request,
                held: None,
                bytes: Arc::clone(&self.bytes),
                wait: self.wait,
            }),
            _ => Err(Overloaded),
        }
    }
}

impl Ticket {
    /// Takes room for `bytes` more, waiting a while for it.
    pub(crate) async fn reserve(&mut self, bytes: usize) -> Result<(), Overloaded> {
        let bytes = u32::try_from(bytes).map_err(|_| Overloaded)?;
        let room = Arc::clone(&self.bytes).acquire_many_owned(bytes);
        match tokio::time::timeout(self.wait, room).await {
            Ok(Ok(room)) => self.hold(room),
            _ => return Err(Overloaded),
        }
        Ok(())
    }

    /// Takes room for `bytes` more if it is there now.
    pub(crate) fn try_reserve(&mut self, bytes: usize) -> Result<(), Overloaded> {
        let bytes = u32::try_from(bytes).map_err(|_| Overloaded)?;
        let room = Arc::clone(&self.bytes).try_acquire_many_owned(bytes);
        self.hold(room.map_err(|_| Overloaded)?);
        Ok(())
    }

    /// Gives back room for `bytes`.
    pub(crate) fn release(&mut self, bytes: usize) {
        drop(self.held.as_mut().and_then(|held| held.split(bytes)));
    }

    fn hold(&mut self, room: OwnedSemaphorePermit) {
        match &mut self.held {
            Some(held) => held.merge(room),
            None => self.held = Some(room),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        Admission::new(&Limits {
            requests_in_flight: 2,
            bytes_in_flight: 100,
            admission_wait: Duration::from_millis(1),
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn no_more_requests_and_bytes_than_allowed_are_let_in() {
        let admission = admission();
        let mut first = admission.enter().await.unwrap();
        let mut second = admission.enter().await.unwrap();
        assert_eq!(admission.enter().await.err(), Some(Overloaded));
        first.reserve(60).await.unwrap();
        assert_eq!(second.reserve(41).await, Err(Overloaded));
        assert_eq!(second.try_reserve(41), Err(Overloaded));
        second.try_reserve(40).unwrap();
    }

    #[tokio::test]
    async fn what_is_given_back_can_be_taken_again() {
        let admission = admission();
        let mut first = admission.enter().await.unwrap();
        first.reserve(100).await.unwrap();
        let mut second = admission.enter().await.unwrap();
        first.release(30);
        second.reserve(30).await.unwrap();
        assert_eq!(second.try_reserve(1), Err(Overloaded));
        drop(first);
        second.reserve(70).await.unwrap();
        assert!(admission.enter().await.is_ok());
    }
}
