//! Which process is behind a connection, as the system tells it.
//!
//! A Unix socket names its peer by itself. Of a TCP connection within the machine, Linux lists the
//! sockets with their users, and every process's folder tells which sockets it holds; other systems
//! tell nothing here.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Mutex;

use blotter_schemas::peer::Process;

/// Most open files that are looked at to find the process of one connection.
const FILES_LIMIT: usize = 200_000;
/// Longest line of the system's list of sockets, and longest file about a process, that is read.
const LINE_LIMIT: u64 = 4096;
/// Most sockets that are read to find one.
const SOCKETS_LIMIT: usize = 1_000_000;
/// Processes found before, which are asked first.
const KNOWN_LIMIT: usize = 32;

/// Finds processes; those found before are found again at little cost.
#[derive(Debug, Default)]
pub(super) struct Processes {
    known: Mutex<VecDeque<u32>>,
}

/// A socket in the system's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Socket {
    uid: u32,
    inode: u64,
}

impl Processes {
    /// The process at the `far` end of a TCP connection whose `near` end is ours. Where both ends are
    /// not on this machine, or the far end is closed already, nothing is told.
    pub(super) fn of_tcp(&self, far: SocketAddr, near: SocketAddr) -> Process {
        let Some(Socket { uid, inode }) = socket(far, near) else { return Process::default() };
        let mut process = self.holder(inode).map(described).unwrap_or_default();
        process.uid = Some(uid);
        process
    }

    fn holder(&self, inode: u64) -> Option<u32> {
        let target = format!("socket:[{inode}]");
        let mut left = FILES_LIMIT;
        let known = self.known.lock().map(|known| known.clone()).unwrap_or_default();
        let mut found = known.into_iter().find(|pid| holds(*pid, &target, &mut left));
        if found.is_none() {
            let mut pids: Vec<u32> = fs::read_dir("/proc")
                .ok()?
                .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
                .collect();
            // Who connects now has often been started just now.
            pids.sort_unstable_by(|a, b| b.cmp(a));
            found = pids.into_iter().find(|pid| holds(*pid, &target, &mut left));
        }
        let pid = found?;
        if let Ok(mut known) = self.known.lock() {
            known.retain(|other| *other != pid);
            known.push_front(pid);
            known.truncate(KNOWN_LIMIT);
        }
        Some(pid)
    }
}

/// What is known of the process `pid`.
pub(super) fn described(pid: u32) -> Process {
    let folder = Path::new("/proc").join(pid.to_string());
    let comm = read(&folder.join("comm")).map(|comm| comm.trim_end_matches('\n').to_owned());
    let start = read(&folder.join("stat")).and_then(|stat| start(&stat));
    Process { pid: Some(pid), start, comm, ..Process::default() }
}

/// The start of a process from `/proc/<pid>/stat`: field 22. The name before it may hold anything.
fn start(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn read(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(LINE_LIMIT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether an open file of the process is `target`. Of another user's processes only root is told.
fn holds(pid: u32, target: &str, left: &mut usize) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    for file in files.flatten() {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        if fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == target) {
            return true;
        }
    }
    false
}

/// The socket of a process whose own end is `far` and whose other end is `near`.
fn socket(far: SocketAddr, near: SocketAddr) -> Option<Socket> {
    let mut lists = vec!["/proc/net/tcp6"];
    if far.ip().to_canonical().is_ipv4() {
        // An IPv4 connection stands in the second list where the process uses an IPv6 socket for it.
        lists.insert(0, "/proc/net/tcp");
    }
    let wanted = (canonical(far), canonical(near));
    lists.into_iter().find_map(|list| {
        let mut lines = BufReader::new(fs::File::open(list).ok()?);
        let mut line = String::new();
        for _ in 0..SOCKETS_LIMIT {
            line.clear();
            if lines.by_ref().take(LINE_LIMIT).read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((ends, socket)) = listed(&line)
                && ends == wanted
            {
                // A socket that its process has closed is said to be root's, and has no file.
                return Some(socket).filter(|socket| socket.inode != 0);
            }
        }
        None
    })
}

/// One line of `/proc/net/tcp` or `/proc/net/tcp6`: local and remote end, user and inode.
fn listed(line: &str) -> Option<((SocketAddr, SocketAddr), Socket)> {
    let mut fields = line.split_ascii_whitespace();
    let _number = fields.next()?;
    let ends = (end(fields.next()?)?, end(fields.next()?)?);
    let uid = fields.nth(4)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some((ends, Socket { uid, inode }))
}

/// `0100007F:1F90`: the address in words of the machine's byte order, the port as a number.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut words = Vec::new();
    for word in address.as_bytes().chunks(8) {
        words.push(u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?.to_ne_bytes());
    }
    let bytes = words.concat();
    let ip: IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok()?.into(),
        16 => <[u8; 16]>::try_from(bytes).ok()?.into(),
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, port)))
}

/// Without scope, and an IPv4 address as such.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::net::{TcpListener, TcpStream};

    use proptest::prelude::*;

    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_lines_of_linux_are_understood() {
        let line = "   3: 0100007F:D431 0100007F:10DE 01 00000000:00000000 00:00000000 00000000  1000        0 81234 1 0000 20 4 30 10 -1";
        let ends = ("127.0.0.1:54321".parse().unwrap(), "127.0.0.1:4318".parse().unwrap());
        assert_eq!(listed(line), Some((ends, Socket { uid: 1000, inode: 81234 })));
        let line = "   3: 0000000000000000FFFF00000100007F:D431 00000000000000000000000001000000:10DE 01 0:0 00:0 0 7 0 9 1";
        let ends = ("127.0.0.1:54321".parse().unwrap(), "[::1]:4318".parse().unwrap());
        assert_eq!(listed(line), Some((ends, Socket { uid: 7, inode: 9 })));
        assert_eq!(
            listed("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when"),
            None
        );
    }

    #[test]
    fn the_start_is_read_behind_a_name_that_imitates_fields() {
        let stat = "77 (a) S 1 2 3) R 1 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 918273 1 1";
        assert_eq!(start(stat), Some(918_273));
    }

    proptest! {
        #[test]
        fn no_line_and_no_stat_makes_reading_fail(text in any::<String>()) {
            let _ = (listed(&text), start(&text));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_connection_of_this_very_process_is_found_and_a_closed_one_is_not() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let near = listener.local_addr().unwrap();
            let client = TcpStream::connect(near).unwrap();
            let (ours, far) = listener.accept().unwrap();
            let processes = Processes::default();
            for _ in 0..2 {
                let process = processes.of_tcp(far, near);
                assert_eq!(process.pid, Some(std::process::id()));
                assert_eq!(process.uid, Some(rustix::process::geteuid().as_raw()));
                assert!(process.start.is_some() && process.comm.is_some(), "{process:?}");
            }
            drop(client);
            assert_eq!(processes.of_tcp(far, near), Process::default());
            drop(ours);
        }
    }
}
