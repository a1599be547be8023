//! The thread of one destination: a loop over a forwarder's steps. It waits for nobody but its
//! destination, and nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use blotter_schemas::otlp::Signal as OtlpSignal;
use bytes::Bytes;
use tokio::sync::watch;

use super::client::Client;
use super::forwarder::{Deliver, Forwarder, Step};
use super::outcome::Outcome;
use crate::commit::{Mode, Signal};
use crate::redaction::Redaction;

/// Longest pause without a look at how much waits.
const LOOK: Duration = Duration::from_secs(1);
/// How long a destination may take for one request once everything is to end.
const LAST_REQUEST: Duration = Duration::from_secs(5);
/// Pause after an error of the disk.
const DISK_PAUSE: Duration = Duration::from_secs(30);

/// Sends over the network. What a destination says goes through redaction before anybody repeats it.
#[derive(Debug)]
pub(super) struct Sender {
    pub client: Client,
    pub redaction: Arc<Redaction>,
}

impl Deliver for Sender {
    async fn deliver(&mut self, signal: OtlpSignal, body: &Bytes) -> Outcome {
        let clean = |text: String| self.redaction.redactor().redact_text(&text).unwrap_or(text);
        match self.client.send(signal, body).await {
            Outcome::Delivered { rejected, message } => {
                Outcome::Delivered { rejected, message: clean(message) }
            }
            Outcome::Later { reason, after } => Outcome::Later { reason: clean(reason), after },
            Outcome::Never { status, reason, too_large } => {
                Outcome::Never { status, reason: clean(reason), too_large }
            }
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
    let mut broken = false;
    loop {
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
            Ok(Step::End) => return,
            Ok(Step::Idle(wait)) => {
                let position = forwarder.position();
                tokio::select! {
                    // An error says that the journal is gone, which the signal tells too.
                    _ = published.wait_for(|durable| *durable > position) => {}
                    () = tokio::time::sleep(wait) => {}
                    () = signal.left(mode) => {}
                }
            }
            // Who ends does not wait for a destination that is away: the journal keeps what is left.
            Ok(Step::Later(_)) if mode == Mode::Finish => return,
            Ok(Step::Later(pause)) => wait(&mut forwarder, name, pause, signal, mode).await,
            Err(error) => {
                if !broken {
                    tracing::error!(destination = name, "{error}; forwarding is tried again");
                }
                broken = true;
                if mode == Mode::Finish {
                    return;
                }
                forwarder.begin_anew();
                wait(&mut forwarder, name, DISK_PAUSE, signal, mode).await;
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
    name: &str,
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
        if let Err(error) = forwarder.shed().await {
            tracing::error!(destination = name, "{error}");
        }
    }
}
