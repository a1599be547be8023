//! Patterns for hosts, and the names that they are compared with.

use std::net::{IpAddr, Ipv4Addr};

/// Bytes of a host or pattern that are looked at; no name in the DNS is longer.
pub const LONGEST: usize = 512;

/// A pattern for hosts, under both semantics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As it is written.
    pub written: String,
    /// As Codex reads it: lower case, the rest as it is written.
    pub codex: Match,
    /// With international names and addresses in their one canonical form.
    pub documented: Match,
}

/// What a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Every host.
    Any,
    /// One host.
    Exact(String),
    /// Everything below a domain, the domain itself not.
    Below(String),
    /// A domain and everything below.
    ApexAndBelow(String),
    /// What any of these patterns matches.
    Globs(Vec<String>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(written: &str) -> Result<Self, String> {
        if written.len() > LONGEST {
            return Err(format!("a pattern for hosts has at most {LONGEST} bytes"));
        }
        let pattern = written.trim();
        let codex = read(pattern, &normalize(pattern_domain(pattern)));
        let plain = normalize(pattern_domain(pattern));
        let canonical = if has_glob(&plain) { plain } else { canonical(&plain) };
        let documented = read(pattern, &canonical);
        for glob in codex.globs() {
            crate::decide::globs::build_host(glob)
                .map_err(|error| format!("`{written}` is no pattern for hosts: {error}"))?;
        }
        if matches!(&codex, Match::Exact(host) | Match::Below(host) | Match::ApexAndBelow(host) if host.is_empty())
        {
            return Err(format!("`{written}` names no host"));
        }
        Ok(Self { written: written.to_owned(), codex, documented })
    }

    /// Whether it matches every host, in whatever disguise.
    #[must_use]
    pub fn is_global(&self) -> bool {
        match &self.codex {
            Match::Any => true,
            Match::Globs(globs) => globs.iter().any(|glob| glob == "*"),
            _ => false,
        }
    }

    /// Whether it names one host, rather than many; only such a rule opens a local address.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self.codex, Match::Exact(_))
    }
}

impl Match {
    /// Its patterns, where it needs any.
    #[must_use]
    pub fn globs(&self) -> &[String] {
        match self {
            Self::Globs(globs) => globs,
            _ => &[],
        }
    }
}

fn pattern_domain(pattern: &str) -> &str {
    pattern.strip_prefix("**.").or_else(|| pattern.strip_prefix("*.")).unwrap_or(pattern)
}

fn read(pattern: &str, domain: &str) -> Match {
    if pattern == "*" || (domain == "*" && pattern_domain(pattern) == pattern) {
        return Match::Any;
    }
    let domain = domain.to_owned();
    let glob = has_glob(&domain);
    if pattern.starts_with("**.") {
        if glob {
            Match::Globs(vec![domain.clone(), format!("?*.{domain}")])
        } else {
            Match::ApexAndBelow(domain)
        }
    } else if pattern.starts_with("*.") {
        if glob { Match::Globs(vec![format!("?*.{domain}")]) } else { Match::Below(domain) }
    } else if glob {
        Match::Globs(vec![domain])
    } else {
        Match::Exact(domain)
    }
}

fn has_glob(domain: &str) -> bool {
    domain.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

/// A host as Codex compares it: trimmed, without brackets, port and dots at the end, in lower case.
#[must_use]
pub fn normalize(host: &str) -> String {
    let host = host.trim();
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map(|(inside, _)| inside)
        .or_else(|| match host.split_once(':') {
            // One colon is a port; more are an IPv6 address.
            Some((name, rest)) if !rest.contains(':') => Some(name),
            _ => None,
        })
        .unwrap_or(host);
    let lower = bare.to_ascii_lowercase();
    let host = lower.trim_end_matches('.');
    for mark in ["%25", "%"] {
        if let Some((address, scope)) = host.split_once(mark)
            && address.parse::<IpAddr>().is_ok()
        {
            return format!("{address}%{scope}");
        }
    }
    host.to_owned()
}

/// A host without the scope of a link-local address.
#[must_use]
pub fn without_scope(host: &str) -> &str {
    match host.split_once('%') {
        Some((address, _)) if address.parse::<IpAddr>().is_ok() => address,
        _ => host,
    }
}

/// A normalised host in its one form: addresses as they are written today, international names as ASCII.
#[must_use]
pub fn canonical(host: &str) -> String {
    if let Some(address) = address(host) {
        return address.to_canonical().to_string();
    }
    ascii(host)
}

/// An international name as the DNS has it; an ASCII one as it is.
#[must_use]
pub fn ascii(host: &str) -> String {
    if host.is_ascii() {
        return host.to_owned();
    }
    idna::domain_to_ascii(host)
        .map(|name| name.trim_end_matches('.').to_owned())
        .unwrap_or_else(|_| host.to_owned())
}

/// The address that a host is, also in the old spellings of IPv4 (`127.1`, `0x7f000001`, `2130706433`).
#[must_use]
pub fn address(host: &str) -> Option<IpAddr> {
    without_scope(host).parse().ok().or_else(|| old_address(host).map(IpAddr::V4))
}

/// An address in a spelling that `inet_aton` takes and the standard library does not.
fn old_address(host: &str) -> Option<Ipv4Addr> {
    if !host.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut parts = [0_u64; 4];
    let mut count = 0_usize;
    for text in host.split('.') {
        *parts.get_mut(count)? = number(text)?;
        count += 1;
    }
    let (last, first) = parts.get(..count)?.split_last()?;
    let mut value = 0_u64;
    for part in first {
        if *part > 255 {
            return None;
        }
        value = value << 8 | part;
    }
    let bits = 8 * (5 - u32::try_from(count).ok()?);
    if *last >= 1_u64 << bits {
        return None;
    }
    Some(Ipv4Addr::from(u32::try_from(value << bits | last).ok()?))
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    u64::from_str_radix(digits, radix).ok().filter(|number| *number <= u64::from(u32::MAX))
}

/// Whether an address is not one of the public internet.
#[must_use]
pub fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_local_v4(address),
        IpAddr::V6(address) => {
            if let Some(address) = address.to_ipv4() {
                return is_local_v4(address);
            }
            address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
    }
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    // Beside the classes of the standard library: carrier-grade NAT, protocol assignments, documentation,
    // benchmarks and what is reserved.
    let number = u32::from(address);
    let within = |network: [u8; 4], bits: u32| {
        number >> (32 - bits) == u32::from(Ipv4Addr::from(network)) >> (32 - bits)
    };
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_broadcast()
        || within([0, 0, 0, 0], 8)
        || within([100, 64, 0, 0], 10)
        || within([192, 0, 0, 0], 24)
        || within([192, 0, 2, 0], 24)
        || within([198, 18, 0, 0], 15)
        || within([198, 51, 100, 0], 24)
        || within([203, 0, 113, 0], 24)
        || within([240, 0, 0, 0], 4)
}
