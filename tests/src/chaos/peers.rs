//! Clients that are no good: they say nothing, too little, or too slowly.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::processes::Addresses;
use crate::random::Random;

/// Connections that are held open and say nothing.
const IDLE: usize = 1_000;
/// Clients that disconnect at a time.
const DISCONNECT: usize = 40;
/// Clients that are slow at a time.
const SLOW: usize = 40;
/// Pause between their bytes.
const PAUSE: Duration = Duration::from_millis(50);
/// Head of a request that announces more than comes.
const HEAD: &[u8] =
    b"POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                      content-length: 100000\r\n\r\n{\"resourceLogs\":[";

/// Lets this process, and those that it starts, have as many connections as are needed here.
pub(super) fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(8_192, |maximum| maximum.min(8_192));
    if limit.current.is_some_and(|current| current < wanted) {
        // Where it is not allowed, connections fail and say so.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
    }
}

/// A thousand connections, half of them to each port.
#[derive(Debug)]
pub(super) struct Idle(Vec<TcpStream>);

impl Idle {
    pub(super) async fn open(to: Addresses) -> anyhow::Result<Self> {
        let connecting = (0..IDLE)
            .map(|number| TcpStream::connect(if number % 2 == 0 { to.http } else { to.grpc }));
        let connected: Vec<_> =
            futures::stream::iter(connecting).buffer_unordered(64).collect().await;
        let connected = connected.into_iter().collect::<Result<Vec<_>, _>>();
        Ok(Self(connected.context("an idle connection cannot be opened")?))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many the collector has closed.
    pub(super) fn closed(&self) -> usize {
        let closed = |stream: &&TcpStream| match stream.try_read(&mut [0; 256]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.0.iter().filter(closed).count()
    }
}

/// Clients that say half of what they announced and are gone.
pub(super) async fn disconnect(to: Addresses, random: &mut Random) {
    for number in 0..DISCONNECT {
        let address = if number % 2 == 0 { to.http } else { to.grpc };
        // What cannot connect is gone already.
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        let length = usize::try_from(random.up_to(HEAD.len() as u64)).unwrap_or(0) + 1;
        let _ = stream.write_all(HEAD.get(..length).unwrap_or(HEAD)).await;
        if number % 3 == 0 {
            // An end without farewell.
            let _ = stream.set_zero_linger();
        }
    }
}

/// Clients that send a byte of a request every now and then, for so long.
pub(super) async fn trickle(to: Addresses, time: Duration) {
    let clients = (0..SLOW).map(|_| async {
        let Ok(mut stream) = TcpStream::connect(to.http).await else { return };
        for byte in HEAD {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    let _ = tokio::time::timeout(time, futures::future::join_all(clients)).await;
}
