//! Who speaks: what is stored of the far end of a connection with every record that comes over it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use blotter_schemas::peer::{Address, Peer, Process};
use tokio::net::unix::UCred;
use tokio::sync::Semaphore;

use super::process::{self, Processes};
use crate::access::Certificate;

/// Lookups at a time: they read many small files, and connections can wait for each other.
const LOOKUPS: usize = 2;

/// Who a connection's records are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The far end of the connection, as the column `peer` holds it.
    pub peer: String,
    /// The name that event ids and request digests tell senders apart by; none for our own user.
    pub sender: Option<String>,
    /// The name that it is counted under, in rates and in what it has in at a time: its credential's, else
    /// its user's or its network's.
    pub rated: String,
    /// Tenant that its credential is of.
    pub tenant: Option<String>,
    /// Address of the far end; none over the Unix socket.
    pub address: Option<IpAddr>,
    /// The certificate that the far end showed, which was checked.
    pub certificate: Option<Arc<Certificate>>,
}

/// Finds out who connected.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    processes: Arc<Processes>,
    lookups: Arc<Semaphore>,
}

impl Origins {
    pub(crate) fn new() -> Self {
        Self { processes: Arc::default(), lookups: Arc::new(Semaphore::new(LOOKUPS)) }
    }

    /// The far end of a TCP connection. The process is looked for where it is on this machine.
    pub(super) async fn tcp(&self, far: SocketAddr, near: Option<SocketAddr>) -> Origin {
        let far = SocketAddr::new(far.ip().to_canonical(), far.port());
        let near = near.filter(|near| is_here(far.ip(), near.ip().to_canonical()));
        let process = match near {
            Some(near) => self.process(far, near).await,
            None => Process::default(),
        };
        let sender = tcp_sender(far.ip(), near.is_some(), process.uid, own_uid());
        let peer = Peer { address: Address::Socket(far), process };
        let rated = match &sender {
            Some(_) if near.is_none() => format!("address:{}", network(far.ip())),
            other => other.clone().unwrap_or_default(),
        };
        let address = Some(far.ip());
        Origin { peer: peer.to_string(), sender, rated, tenant: None, address, certificate: None }
    }

    async fn process(&self, far: SocketAddr, near: SocketAddr) -> Process {
        let Ok(permit) = Arc::clone(&self.lookups).acquire_owned().await else {
            return Process::default();
        };
        let processes = Arc::clone(&self.processes);
        let found = tokio::task::spawn_blocking(move || {
            let found = processes.of_tcp(far, near);
            drop(permit);
            found
        });
        found.await.unwrap_or_default()
    }
}

/// The far end of a connection to our Unix socket, as the kernel noted it when it connected.
pub(super) fn unix(credentials: Option<UCred>) -> Origin {
    let mut process = Process::default();
    if let Some(credentials) = credentials {
        let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
        process = pid.map(process::described).unwrap_or_default();
        process.uid = Some(credentials.uid());
        process.gid = Some(credentials.gid());
    }
    let sender = user(process.uid, own_uid()).unwrap_or_else(|| Some("unix".to_owned()));
    let peer = Peer { address: Address::Unix, process }.to_string();
    let rated = sender.clone().unwrap_or_default();
    Origin { peer, sender, rated, tenant: None, address: None, certificate: None }
}

/// What one that may connect has for its own: of IPv6, a network of 64 bits; of IPv4, an address.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address => address,
    }
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether a connection whose ends have these addresses stays on this machine.
fn is_here(far: IpAddr, near: IpAddr) -> bool {
    far.is_loopback() || far == near
}

fn tcp_sender(far: IpAddr, here: bool, uid: Option<u32>, own: u32) -> Option<String> {
    if !here {
        return Some(format!("address:{far}"));
    }
    // Where the system never tells, everyone on the machine is one sender; where it does, who closes
    // the connection to hide is none of those that are known.
    user(uid, own).unwrap_or_else(|| cfg!(target_os = "linux").then(|| "loopback".to_owned()))
}

/// The sender's name for a user: none for our own. Nothing at all where the user is not known.
#[expect(clippy::option_option, reason = "no name is an answer, too")]
fn user(uid: Option<u32>, own: u32) -> Option<Option<String>> {
    uid.map(|uid| (uid != own).then(|| format!("uid:{uid}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_user_has_no_name_and_every_other_speaker_has_its_own() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let away = IpAddr::from([192, 0, 2, 7]);
        assert_eq!(tcp_sender(here, true, Some(1000), 1000), None);
        assert_eq!(tcp_sender(here, true, Some(0), 1000).as_deref(), Some("uid:0"));
        assert_eq!(tcp_sender(away, false, None, 1000).as_deref(), Some("address:192.0.2.7"));
        if cfg!(target_os = "linux") {
            assert_eq!(tcp_sender(here, true, None, 1000).as_deref(), Some("loopback"));
        }
    }

    #[tokio::test]
    async fn addresses_of_one_network_are_counted_together_and_told_apart_in_records() {
        let origins = Origins::new();
        let near = Some("[2001:db8:9::1]:4318".parse().unwrap());
        let far = |text: &str| text.parse::<SocketAddr>().unwrap();
        let one = origins.tcp(far("[2001:db8::1]:1"), near).await;
        let two = origins.tcp(far("[2001:db8::ffff:0:0:2]:1"), near).await;
        let other = origins.tcp(far("[2001:db8:0:1::1]:1"), near).await;
        assert_eq!((one.rated.as_str(), &one.rated), ("address:2001:db8::", &two.rated));
        assert_ne!(one.sender, two.sender);
        assert_ne!(one.rated, other.rated);
        let four = origins.tcp(far("[::ffff:192.0.2.7]:1"), near).await;
        assert_eq!(four.rated, "address:192.0.2.7");
    }

    #[test]
    fn our_own_address_is_on_this_machine_whatever_it_is() {
        assert!(is_here([192, 0, 2, 7].into(), [192, 0, 2, 7].into()));
        assert!(is_here([127, 0, 0, 2].into(), [127, 0, 0, 1].into()));
        assert!(!is_here([192, 0, 2, 8].into(), [192, 0, 2, 7].into()));
    }
}
