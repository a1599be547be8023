//! Headers that carry credentials, and private keys.

use base64::Engine as _;

use super::super::random::*;
use super::{Kind, bare, within};

fn pem(random: &mut Random) -> String {
    let (label, bytes) = match random.below(4) {
        0 => ("PRIVATE KEY", 1218),
        1 => ("RSA PRIVATE KEY", 1190),
        2 => ("EC PRIVATE KEY", 121),
        _ => ("OPENSSH PRIVATE KEY", 400),
    };
    let body = base64::engine::general_purpose::STANDARD.encode(random.bytes(bytes));
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"))
}

fn basic(random: &mut Random) -> String {
    let pair = format!("user:{}", random.text(ALNUM, 16));
    base64::engine::general_purpose::STANDARD.encode(pair)
}

const COOKIE: &str = "RFC 6265";

pub(super) fn kinds() -> Vec<Kind> {
    vec![
        Kind::new("authorization bearer", "RFC 6750", |r| {
            within("curl -H 'Authorization: Bearer {}' http://x", r.text(BASE64URL, 40))
        }),
        Kind::new("authorization bearer, json", "RFC 6750", |r| {
            within(r#"{"headers":{"Authorization":"Bearer {}"}}"#, r.text(BASE64URL, 40))
        }),
        Kind::new("authorization basic", "RFC 7617", |r| {
            within("GET / HTTP/1.1\r\nAuthorization: Basic {}\r\nHost: x", basic(r))
        }),
        Kind::new("authorization token", "docs.github.com/rest/authentication", |r| {
            within("-H \"Authorization: token {}\"", r.text(HEX, 40))
        }),
        Kind::new("proxy-authorization", "RFC 9110, 11.7.2", |r| {
            within("Proxy-Authorization: Basic {}\r\n", basic(r))
        }),
        Kind::new("bearer outside a header", "RFC 6750", |r| {
            within("the request was sent with bearer {}, and refused", r.text(BASE64URL, 40))
        }),
        Kind::new("x-api-key header", "docs.claude.com/en/api", |r| {
            within("curl https://api.test -H 'x-api-key: {}' -d @b.json", r.text(ALNUM, 40))
        }),
        Kind::new("api-key header", "learn.microsoft.com/azure/ai-services", |r| {
            within("POST /openai HTTP/1.1\r\napi-key: {}\r\n\r\n", r.text(HEX, 32))
        }),
        Kind::new("subscription key header", "learn.microsoft.com/azure/api-management", |r| {
            within("Ocp-Apim-Subscription-Key: {}\r\n", r.text(HEX, 32))
        }),
        Kind::new("private-token header", "docs.gitlab.com/api/rest/authentication", |r| {
            within("curl --header \"PRIVATE-TOKEN: {}\" https://git.test", r.text(BASE64URL, 20))
        }),
        Kind::new("cookie", COOKIE, |r| {
            within("Cookie: session={}; theme=dark", r.text(ALNUM, 32))
        }),
        Kind::new("cookie, later of several", COOKIE, |r| {
            within("cookie: theme=dark; lang=en; sid={}\r\n", r.text(ALNUM, 32))
        }),
        Kind::new("cookie, json", COOKIE, |r| {
            within(r#"{"Cookie": "sid={}"}"#, r.text(BASE64URL, 48))
        }),
        Kind::new("set-cookie", COOKIE, |r| {
            within("set-cookie: sid={}; Path=/; HttpOnly", r.text(BASE64URL, 48))
        }),
        Kind::new("private key", "RFC 7468; PROTOCOL.key of OpenSSH", |r| bare(pem(r))).base64(),
        Kind::new("private key, cut off", "RFC 7468", |r| {
            let whole = pem(r);
            let secret = whole[..whole.len() / 2].to_owned();
            bare(secret)
        }),
    ]
}
