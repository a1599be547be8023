//! Who was at the other end of the connection that a record came over: the text of the column `peer`.
//!
//! ```text
//! 127.0.0.1:54321;uid=1000,pid=4243,start=81790,comm=curl
//! unix;uid=1000,gid=1000,pid=4242,start=81724,comm=codex
//! 192.0.2.7:40000
//! ```
//!
//! An address (`unix` for a Unix socket, else address and port) and, after a semicolon, what the
//! system said about the process behind it. What could not be told is left out. Every other byte than
//! letters, digits, `.`, `_`, `+` and `-` of a program's name is written as `%` and two hexadecimal
//! digits. Fields that a reader does not know are to be ignored.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The far end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer {
    /// Where the connection came from.
    pub address: Address,
    /// What the system said about the process behind it.
    pub process: Process,
}

/// Where a connection came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A Unix socket.
    Unix,
    /// An address and a port.
    Socket(SocketAddr),
    /// Something else: the text as it is stored.
    Other(String),
}

/// A process as the system described it when a connection was accepted. The user was told by the
/// kernel; the rest is what was found for the connection then, and `comm` is a name that a process may
/// give itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    /// User the connection belongs to.
    pub uid: Option<u32>,
    /// Group of the process.
    pub gid: Option<u32>,
    /// Process.
    pub pid: Option<u32>,
    /// When it started, in clock ticks since the machine's boot: tells it from an earlier process of
    /// the same number.
    pub start: Option<u64>,
    /// Name of its program; a process may give itself any.
    pub comm: Option<String>,
}

impl Peer {
    /// Reads the text of the column `peer`; what it does not understand is left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (address, fields) = text.split_once(';').unwrap_or((text, ""));
        let address = match address {
            "unix" => Address::Unix,
            other => {
                other.parse().map_or_else(|_| Address::Other(other.to_owned()), Address::Socket)
            }
        };
        let mut process = Process::default();
        for field in fields.split(',') {
            let Some((name, value)) = field.split_once('=') else { continue };
            match name {
                "uid" => process.uid = value.parse().ok(),
                "gid" => process.gid = value.parse().ok(),
                "pid" => process.pid = value.parse().ok(),
                "start" => process.start = value.parse().ok(),
                "comm" => process.comm = Some(unescape(value)),
                _ => {}
            }
        }
        Self { address, process }
    }

    /// The host it came from, where that is an address.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match &self.address {
            Address::Socket(address) => Some(address.ip()),
            Address::Unix | Address::Other(_) => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Unix => f.write_str("unix")?,
            Address::Socket(address) => write!(f, "{address}")?,
            Address::Other(text) => f.write_str(text)?,
        }
        let Process { uid, gid, pid, start, comm } = &self.process;
        let numbers = [
            ("uid", uid.map(u64::from)),
            ("gid", gid.map(u64::from)),
            ("pid", pid.map(u64::from)),
            ("start", *start),
        ];
        let mut separator = ';';
        for (name, value) in numbers {
            if let Some(value) = value {
                write!(f, "{separator}{name}={value}")?;
                separator = ',';
            }
        }
        if let Some(comm) = comm {
            write!(f, "{separator}comm=")?;
            for byte in comm.bytes() {
                if byte.is_ascii_alphanumeric() || b"._+-".contains(&byte) {
                    write!(f, "{}", char::from(byte))?;
                } else {
                    write!(f, "%{byte:02x}")?;
                }
            }
        }
        Ok(())
    }
}

/// Undoes the escapes of a program's name; one that is none stands as it is.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = after.get(if byte.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peers() -> impl Strategy<Value = Peer> {
        let address = prop_oneof![
            Just(Address::Unix),
            (any::<[u8; 4]>(), any::<u16>())
                .prop_map(|(ip, port)| Address::Socket(SocketAddr::from((ip, port)))),
            (any::<[u8; 16]>(), any::<u16>())
                .prop_map(|(ip, port)| Address::Socket(SocketAddr::from((ip, port)))),
        ];
        let process = (any::<[Option<u32>; 3]>(), any::<Option<u64>>(), any::<Option<String>>())
            .prop_map(|([uid, gid, pid], start, comm)| Process { uid, gid, pid, start, comm });
        (address, process).prop_map(|(address, process)| Peer { address, process })
    }

    #[test]
    fn the_documented_forms_are_written_and_read() {
        let written = "unix;uid=1000,gid=1000,pid=4242,start=81724,comm=a%20%3b%2cb";
        let peer = Peer::parse(written);
        assert_eq!(peer.address, Address::Unix);
        assert_eq!(peer.process.comm.as_deref(), Some("a ;,b"));
        assert_eq!(peer.to_string(), written);
        let plain = Peer::parse("192.0.2.7:40000");
        assert_eq!(
            (plain.process.clone(), plain.to_string()),
            (Process::default(), "192.0.2.7:40000".to_owned())
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(peer in peers()) {
            prop_assert_eq!(Peer::parse(&peer.to_string()), peer);
        }

        #[test]
        fn no_text_makes_reading_fail_and_reading_again_changes_nothing(text in any::<String>()) {
            let peer = Peer::parse(&text);
            prop_assert_eq!(Peer::parse(&peer.to_string()), peer);
        }

        #[test]
        fn a_program_cannot_name_itself_into_another_field(name in any::<String>()) {
            let comm = Process { uid: Some(1), comm: Some(name), ..Process::default() };
            let written = Peer { address: Address::Unix, process: comm }.to_string();
            prop_assert_eq!(written.matches(',').count(), 1);
            prop_assert_eq!(Peer::parse(&written).process.uid, Some(1));
            prop_assert_eq!(Peer::parse(&written).process.pid, None);
        }
    }
}
