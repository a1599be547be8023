//! What a profile is asked.

use std::net::IpAddr;

/// What a command wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Read a file.
    Read(&'a str),
    /// Create, change, rename or delete a file.
    Write(&'a str),
    /// List a folder.
    List(&'a str),
    /// Connect to a host.
    Connect(Connect<'a>),
    /// Connect to a Unix socket.
    Socket(&'a str),
}

/// A connection that a command wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The host: a name or an address, IPv6 with or without brackets.
    pub host: &'a str,
    /// The port. No rule looks at it.
    pub port: Option<u16>,
    /// The HTTP method, where it is known.
    pub method: Option<&'a str>,
    /// What the name resolves to, where the caller knows.
    pub resolution: Resolution<'a>,
}

impl<'a> Connect<'a> {
    /// A connection to a host of which nothing else is known.
    #[must_use]
    pub fn to(host: &'a str) -> Self {
        Self { host, port: None, method: None, resolution: Resolution::Unknown }
    }
}

/// What a name resolves to. Nothing here resolves names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// Nobody said.
    Unknown,
    /// It does not resolve.
    Failed,
    /// To these addresses.
    Addresses(&'a [IpAddr]),
}

/// Takes `host[:port]` apart; an IPv6 address with a port stands in brackets.
///
/// # Errors
/// What is wrong with it.
pub fn parse_target(target: &str) -> Result<(&str, Option<u16>), String> {
    let target = target.trim();
    let port = |text: &str| {
        text.parse::<u16>().map_err(|_| format!("`{text}` is no port; a target is host[:port]"))
    };
    if target.contains("://") || target.contains(['/', ' ']) {
        return Err(format!("`{target}` is no host; a target is host[:port], not a URL"));
    }
    if let Some(rest) = target.strip_prefix('[') {
        let Some((inside, after)) = rest.split_once(']') else {
            return Err(format!("`{target}` opens a bracket and does not close it"));
        };
        return match after.strip_prefix(':') {
            Some(text) => Ok((inside, Some(port(text)?))),
            None if after.is_empty() => Ok((inside, None)),
            None => Err(format!("`{after}` after the bracket is no port")),
        };
    }
    match target.split_once(':') {
        Some((host, text)) if !text.contains(':') => Ok((host, Some(port(text)?))),
        _ => Ok((target, None)),
    }
    .and_then(|(host, port)| match host {
        "" => Err("a target needs a host".to_owned()),
        host => Ok((host, port)),
    })
}
