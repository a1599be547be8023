//! The thread of one destination: a loop over a forwarder's steps. It waits for nobody but its
//! destination, and nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use blotter_schemas::otlp::Signal as OtlpSignal;
use bytes::Bytes;
use tokio::sync::watch;

use super::client::Client;
use super::forwarder::{Deliver, Forwarder, LOOK, Step, Work};
use super::outcome::Outcome;
use super::status::Status;
use crate::commit::{Mode, Signal};
use crate::redaction::Redaction;

/// Longest rest without a look at the dead letters.
const REST: Duration = Duration::from_secs(2);
/// How long a destination may take for one request once everything is to end.
const LAST_REQUEST: Duration = Duration::from_secs(5);
/// Pause after an error of the disk.
const DISK_PAUSE: Duration = Duration::from_secs(5);

/// Sends over the network. What a destination says goes through redaction before anybody repeats it.
#[derive(Debug)]
pub(super) struct Sender {
    pub client: Client,
    pub redaction: Arc<Redaction>,
}

impl Deliver for Sender {
    async fn deliver(&mut self, signal: OtlpSignal, body: &Bytes) -> Outcome {
        let clean = |text: String| self.redaction.redactor().redact_text(&text).unwrap_or(text);
        self.client.send(signal, body).await.map_texts(clean)
    }
}

/// Says in the status of a destination that its thread is over, where nobody told it to end.
struct Ending<'a> {
    name: &'a str,
    status: Arc<Status>,
    signal: &'a Signal,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let is_panic = std::thread::panicking();
        if !is_panic && self.signal.get() != Mode::Run {
            return;
        }
        let how = if is_panic { "by a panic, of which the log tells" } else { "early" };
        let reason = format!(
            "the thread that forwards there has ended {how}; the journal keeps what waits; restart the collector"
        );
        tracing::error!(destination = self.name, "{reason}");
        if is_panic || self.status.failing().is_none() {
            self.status.set_failing(Some(reason));
        }
    }
}

/// What the thread of a destination does.
pub(super) fn forward<D: Deliver>(
    work: Work,
    deliver: D,
    name: &str,
    published: watch::Receiver<u64>,
    signal: &Signal,
) {
    let _ending = Ending { name, status: Arc::clone(&work.status), signal };
    // A runtime of its own on this thread: it takes no turn of those that serve connections.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let forwarder = Forwarder::new(work, deliver);
            runtime.block_on(run(forwarder, name, published, signal));
        }
        Err(error) => {
            tracing::error!(destination = name, "is not forwarded to: {error}");
            work.status.set_failing(Some(format!("it is not forwarded to: {error}")));
        }
    }
}

/// Forwards until it is told to end.
pub(super) async fn run<D: Deliver>(
    mut forwarder: Forwarder<D>,
    name: &str,
    mut published: watch::Receiver<u64>,
    signal: &Signal,
) {
    if let Some(left) = forwarder.pause_left() {
        wait(&mut forwarder, left, signal, Mode::Run).await;
        if signal.get() != Mode::Run {
            return;
        }
        forwarder.pause_is_over();
    }
    let mut broken = false;
    loop {
        forwarder.look_at_letters();
        let mode = signal.get();
        if mode == Mode::Abandon {
            return;
        }
        let step = tokio::select! {
            step = forwarder.step(mode == Mode::Finish) => step,
            () = signal.abandoned() => return,
            // It may not answer at all: the journal keeps what is left.
            () = overdue(signal) => return,
        };
        if step.is_ok() {
            broken = false;
        }
        match step {
            Ok(Step::Onward) => {}
            Ok(Step::End) => {
                forwarder.complete();
                return;
            }
            Ok(Step::Idle(wait)) => {
                let position = forwarder.position();
                tokio::select! {
                    // An error says that the journal is gone, which the signal tells too.
                    _ = published.wait_for(|durable| *durable > position) => {}
                    () = tokio::time::sleep(wait.min(REST)) => {}
                    () = signal.left(mode) => {}
                }
            }
            Ok(Step::Later(pause)) => {
                let was_asked = forwarder.keep_pause(pause);
                // Who ends does not wait for a destination that is away: the journal keeps what is left.
                if mode == Mode::Finish {
                    return;
                }
                wait(&mut forwarder, pause, signal, mode).await;
                // The end does not shorten a pause that was asked for.
                if was_asked && signal.get() != Mode::Run {
                    return;
                }
            }
            Err(error) => {
                if !broken {
                    tracing::error!(destination = name, "{error}; forwarding is tried again");
                }
                broken = true;
                forwarder.fails_here(&error);
                if mode == Mode::Finish {
                    return;
                }
                forwarder.begin_anew();
                wait(&mut forwarder, DISK_PAUSE, signal, mode).await;
            }
        }
    }
}

/// Returns some time after everything is to end.
async fn overdue(signal: &Signal) {
    signal.left(Mode::Run).await;
    tokio::time::sleep(LAST_REQUEST).await;
}

/// Waits, and sees to it that no more waits for the destination than is allowed.
async fn wait<D: Deliver>(
    forwarder: &mut Forwarder<D>,
    mut pause: Duration,
    signal: &Signal,
    mode: Mode,
) {
    while !pause.is_zero() {
        let some = pause.min(LOOK);
        pause = pause.saturating_sub(some);
        tokio::select! {
            () = tokio::time::sleep(some) => {}
            () = signal.left(mode) => return,
        }
        forwarder.look_at_letters();
        if let Err(error) = forwarder.shed().await {
            forwarder.fails_here(&error);
        }
    }
}
