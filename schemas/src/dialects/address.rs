//! The host and port of an address that an agent sent.

/// Host and port of `scheme://host:port/...`; none where it is not such an address.
pub(super) fn of_url(url: &str) -> Option<(String, Option<i64>)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // Credentials before the host are not part of it.
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return None;
    }
    Some((host.to_owned(), port.and_then(|port| port.parse::<u16>().ok()).map(i64::from)))
}

#[cfg(test)]
mod tests {
    use super::of_url;

    #[test]
    fn host_and_port_of_an_address_without_its_credentials() {
        let known = |url| of_url(url);
        assert_eq!(known("https://mcp.example.com/sse"), Some(("mcp.example.com".into(), None)));
        assert_eq!(known("http://u:p@h.example:8443?x=1"), Some(("h.example".into(), Some(8443))));
        assert_eq!(known("http://[::1]:80/"), Some(("::1".into(), Some(80))));
        assert_eq!(known("http://h:99999"), Some(("h".into(), None)));
    }

    #[test]
    fn what_is_no_address_has_no_host() {
        for text in ["stdio", "in_process", "", "://", "http://", "http://[::1"] {
            assert_eq!(of_url(text), None, "{text}");
        }
    }
}
