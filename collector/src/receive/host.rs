//! Whom a request believes that it speaks to.
//!
//! Where nobody has to show who they are, the collector listens on this machine alone, and trusts what
//! comes from it. A page in a browser here comes from it, too: a name of the page's own that is made to
//! lead to 127.0.0.1 has the browser send what the page likes and read the answers. The name gives it away.

use std::net::IpAddr;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

/// Longest name that is told of.
const NAME_TOLD: usize = 128;

/// The name of a host that is not this machine's for sure, where the request names one.
pub(super) fn foreign(head: &Parts) -> Option<String> {
    let named = head.uri.authority().map(|authority| Ok(authority.host()));
    let headers = head.headers.get_all(HOST).iter().map(|host| host.to_str().map_err(drop));
    // One header with a port is an authority; what is none is no name of ours.
    let mut hosts = named.into_iter().chain(headers);
    hosts.find_map(|host| match host {
        Ok(host) if is_ours(host) => None,
        Ok(host) => Some(host.chars().take(NAME_TOLD).collect()),
        Err(()) => Some("not ASCII".to_owned()),
    })
}

/// Whether a host, with or without a port, is an address or a name of this machine.
fn is_ours(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    address.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn foreign_in(uri: &str, hosts: &[&str]) -> Option<String> {
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        foreign(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn addresses_and_names_of_this_machine_are_ours_and_every_other_name_is_foreign() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:4318",
            "[::1]:4318",
            "[::1]",
            "192.0.2.7:1",
            "localhost",
            "LocalHost:4318",
            "localhost.",
            "agent.localhost:1",
        ] {
            assert_eq!(foreign_in("/status", &[host]), None, "{host}");
            assert_eq!(foreign_in(&format!("http://{host}/status"), &[]), None, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:4318",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
        ] {
            assert!(foreign_in("/status", &[host]).is_some(), "{host}");
            assert!(foreign_in(&format!("http://{host}/status"), &[]).is_some(), "{host}");
        }
        for host in ["", "a b", "notlocalhost", "2130706433", "0x7f.1", ".localhost.evil"] {
            assert!(foreign_in("/status", &[host]).is_some(), "{host}");
        }
    }

    #[test]
    fn every_name_in_a_request_counts_and_none_is_no_fault() {
        assert_eq!(foreign_in("/status", &[]), None);
        assert!(foreign_in("/status", &["localhost", "evil.example"]).is_some());
        assert!(foreign_in("http://localhost/status", &["evil.example"]).is_some());
        let long = format!("{}.example", "a".repeat(200));
        assert_eq!(foreign_in("/status", &[&long]).map(|told| told.len()), Some(NAME_TOLD));
    }
}
