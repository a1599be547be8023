//! The Responses API over a WebSocket, as far as one agent needs it (RFC 6455).

use std::sync::Arc;

use anyhow::Context as _;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::scenario::{Asker, Place, Step};
use super::{Channel, Script, responses};

/// What the handshake's key is hashed with, by the standard.
const SALT: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Longer messages no agent sends here.
const MAX_MESSAGE: u64 = 64 << 20;

/// Whether a request asks for a WebSocket.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// Accepts it; the conversation then goes on by itself.
pub(super) fn accept(script: Arc<Script>, asker: Asker, mut request: Request) -> Response {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (Some(key), Some(upgrade)) = (key, upgrade) else {
        return super::failure(StatusCode::BAD_REQUEST);
    };
    tokio::spawn(async move {
        if let Ok(stream) = upgrade.await {
            // An error ends the connection; the agent's request then fails and the test says so.
            let _ = converse(&script, asker, TokioIo::new(stream)).await;
        }
    });
    let salted = [key.as_bytes(), SALT.as_bytes()].concat();
    let accepted = BASE64_STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &salted));
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "Upgrade")
        .header(header::SEC_WEBSOCKET_ACCEPT, accepted)
        .body(Body::empty())
        .unwrap_or_default()
}

async fn converse(
    script: &Script,
    asker: Asker,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> anyhow::Result<()> {
    while let Some(message) = receive(&mut stream).await? {
        let body: Value = serde_json::from_slice(&message)?;
        let model = body.get("model").cloned().unwrap_or_default();
        // A connection is warmed up with a request for nothing.
        let warms_up = body.get("generate") == Some(&Value::Bool(false));
        let (place, step) = if warms_up {
            (Place { asker, step: 0 }, Step::Items(Vec::new()))
        } else {
            let place = script.next(asker, Channel::WebSocket, body);
            (place, script.scenario.step(place))
        };
        let events = responses::events(&step, place, &model).context("no answer in this step")?;
        for event in events {
            send(&mut stream, TEXT, event.to_string().as_bytes()).await?;
        }
    }
    Ok(())
}

/// The next message; none when the other side closes.
async fn receive(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> anyhow::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    loop {
        let (first, second) = (stream.read_u8().await?, stream.read_u8().await?);
        let length = match second & 0x7f {
            126 => u64::from(stream.read_u16().await?),
            127 => stream.read_u64().await?,
            short => u64::from(short),
        };
        anyhow::ensure!(length <= MAX_MESSAGE, "a message of {length} bytes");
        let mut mask = [0_u8; 4];
        if second & 0x80 != 0 {
            stream.read_exact(&mut mask).await?;
        }
        let mut payload = vec![0_u8; usize::try_from(length)?];
        stream.read_exact(&mut payload).await?;
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        match first & 0x0f {
            CLOSE => return Ok(None),
            PING => send(stream, PONG, &payload).await?,
            PONG => {}
            _ => {
                message.extend(payload);
                if first & 0x80 != 0 {
                    return Ok(Some(message));
                }
            }
        }
    }
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    opcode: u8,
    payload: &[u8],
) -> anyhow::Result<()> {
    stream.write_u8(0x80 | opcode).await?;
    match payload.len() {
        length @ 0..126 => stream.write_u8(u8::try_from(length)?).await?,
        length @ 126..65_536 => {
            stream.write_u8(126).await?;
            stream.write_u16(u16::try_from(length)?).await?;
        }
        length => {
            stream.write_u8(127).await?;
            stream.write_u64(u64::try_from(length)?).await?;
        }
    }
    stream.write_all(payload).await?;
    Ok(stream.flush().await?)
}
