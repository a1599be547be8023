//! Secrets made from the formats that their issuers publish, and the captures they are hidden in.
//! Nothing here looks at the rules.

#![allow(dead_code, reason = "each test uses a part")]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use blotter_schemas::otlp::{Encoding, Request, Signal};

/// A small generator with a fixed seed, so that every run is the same.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    pub fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

pub const HEX: &str = "0123456789abcdef";
pub const DIGITS: &str = "0123456789";
pub const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
pub const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
pub const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
pub const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub const SYMBOLS: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#%*+-._~^";

/// A secret and the text it would stand in.
pub struct Sample {
    /// What must not be found afterwards.
    pub secret: String,
    /// The text around it, as a command, file or header has it.
    pub text: String,
}

fn bare(secret: String) -> Sample {
    Sample { text: format!("run with {secret} please"), secret }
}

fn within(text: &str, secret: String) -> Sample {
    Sample { text: text.replace("{}", &secret), secret }
}

/// A kind of secret: its name, how one is made, and which share may be missed (per thousand).
pub struct Kind {
    pub name: &'static str,
    pub make: fn(&mut Random) -> Sample,
    /// Most that may be missed of a thousand.
    pub missed: usize,
    /// Whether it is found in Base64 too.
    pub base64: bool,
    /// Whether its value may be written anywhere; else only beside its name.
    pub bare: bool,
}

fn jwt(random: &mut Random) -> String {
    let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let algorithm = random.pick(&["HS256", "RS256", "ES256", "EdDSA"]);
    let header = match random.below(3) {
        0 => format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
        1 => format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":"{}"}}"#, random.text(HEX, 16)),
        _ => format!(r#"{{"kid":"{}","alg":"{algorithm}"}}"#, random.text(ALNUM, 27)),
    };
    let payload = format!(
        r#"{{"iss":"https://auth.example.org","sub":"{}","exp":1{}}}"#,
        random.text(ALNUM, 24),
        random.text(DIGITS, 9)
    );
    let length = if algorithm == "RS256" { 342 } else { 43 };
    format!("{}.{}.{}", encode(header), encode(payload), random.text(BASE64URL, length))
}

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

pub const KINDS: &[Kind] = &[
    Kind {
        name: "anthropic api key",
        make: |r| bare(format!("sk-ant-api03-{}AA", r.text(BASE64URL, 93))),
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "anthropic oauth",
        make: |r| bare(format!("sk-ant-oat01-{}AA", r.text(BASE64URL, 93))),
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "openai project key",
        make: |r| {
            bare(format!("sk-proj-{}T3BlbkFJ{}", r.text(BASE64URL, 74), r.text(BASE64URL, 74)))
        },
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "openai older key",
        make: |r| bare(format!("sk-{}T3BlbkFJ{}", r.text(ALNUM, 20), r.text(ALNUM, 20))),
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "provider sk key",
        make: |r| bare(format!("sk-{}", r.text(HEX, 32))),
        missed: 2,
        base64: false,
        bare: true,
    },
    Kind {
        name: "personal access token",
        make: |r| bare(format!("at-{}", r.text(BASE64URL, 43))),
        missed: 5,
        base64: false,
        bare: true,
    },
    Kind { name: "jwt", make: |r| bare(jwt(r)), missed: 0, base64: true, bare: true },
    Kind {
        name: "oauth code",
        make: |r| {
            within(
                "http://localhost:1455/auth/callback?code={}&state=ok",
                format!("ac_{}.{}", r.text(BASE64URL, 43), r.text(BASE64URL, 43)),
            )
        },
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "authorization bearer",
        make: |r| within("curl -H 'Authorization: Bearer {}' http://x", r.text(BASE64URL, 40)),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "authorization basic",
        make: |r| {
            let pair = format!("user:{}", r.text(ALNUM, 16));
            within(
                "GET / HTTP/1.1\r\nAuthorization: Basic {}\r\nHost: x",
                base64::engine::general_purpose::STANDARD.encode(pair),
            )
        },
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "cookie",
        make: |r| within("Cookie: session={}; theme=dark", r.text(ALNUM, 32)),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "set-cookie",
        make: |r| within("set-cookie: sid={}; Path=/; HttpOnly", r.text(BASE64URL, 48)),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind { name: "private key", make: |r| bare(pem(r)), missed: 0, base64: true, bare: true },
    Kind {
        name: "postgres url",
        make: |r| within("DATABASE=postgres://app:{}@db.internal:5432/app", r.text(ALNUM, 20)),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "mongodb url",
        make: |r| within("mongodb+srv://svc:{}@cluster0.example.net/x?w=1", r.text(ALNUM, 16)),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "redis url",
        make: |r| within("redis://:{}@cache:6379/0", r.text(HEX, 32)),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "https url with login",
        make: |r| within("git clone https://bot:{}@git.internal/a.git", r.text(ALNUM, 24)),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "odbc string",
        make: |r| within("Server=db;User Id=sa;Password={};Encrypt=yes", r.text(SYMBOLS, 18)),
        missed: 15,
        base64: false,
        bare: true,
    },
    Kind {
        name: "aws access key id",
        make: |r| {
            let prefix = r.pick(&["AKIA", "ASIA"]);
            bare(format!("{prefix}{}", r.text(BASE32, 16)))
        },
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "aws secret by name",
        make: |r| within("[default]\naws_secret_access_key = {}\nregion = x", r.text(BASE64, 40)),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "aws secret by id",
        make: |r| {
            let id = format!("AKIA{}", r.text(BASE32, 16));
            within(&format!("{id},{{}}\n"), r.text(BASE64, 40))
        },
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "aws session token",
        make: |r| {
            within(
                "export AWS_SESSION_TOKEN={}",
                format!("IQoJb3JpZ2luX2Vj{}", r.text(BASE64, 600)),
            )
        },
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "gcp api key",
        make: |r| bare(format!("AIza{}", r.text(BASE64URL, 35))),
        missed: 30,
        base64: true,
        bare: true,
    },
    Kind {
        name: "gcp access token",
        make: |r| bare(format!("ya29.{}", r.text(BASE64URL, 180))),
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "gcp client secret",
        make: |r| bare(format!("GOCSPX-{}", r.text(BASE64URL, 28))),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "azure storage key",
        make: |r| {
            within(
                "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=core.windows.net",
                base64::engine::general_purpose::STANDARD.encode(r.bytes(64)),
            )
        },
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "azure client secret",
        make: |r| bare(format!("{}8Q~{}", r.text(ALNUM, 3), r.text(BASE64URL, 34))),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "azure sas",
        make: |r| {
            within(
                "https://a.blob.core.windows.net/c?sv=2024-11-04&sig={}&se=2030",
                base64::engine::general_purpose::STANDARD
                    .encode(r.bytes(32))
                    .replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D"),
            )
        },
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "github token",
        make: |r| {
            let prefix = r.pick(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]);
            bare(format!("{prefix}{}", r.text(ALNUM, 36)))
        },
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "github fine-grained",
        make: |r| bare(format!("github_pat_{}_{}", r.text(ALNUM, 22), r.text(ALNUM, 59))),
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "gitlab token",
        make: |r| bare(format!("glpat-{}", r.text(BASE64URL, 20))),
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "npm token",
        make: |r| within("//registry/:_authToken={}", format!("npm_{}", r.text(ALNUM, 36))),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "pypi token",
        make: |r| bare(format!("pypi-AgEIcHlwaS5vcmc{}", r.text(BASE64URL, 150))),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "slack token",
        make: |r| {
            bare(format!(
                "xoxb-{}-{}-{}",
                r.text(DIGITS, 12),
                r.text(DIGITS, 13),
                r.text(ALNUM, 24)
            ))
        },
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "stripe key",
        make: |r| bare(format!("sk_live_{}", r.text(ALNUM, 24))),
        missed: 0,
        base64: true,
        bare: true,
    },
    Kind {
        name: "sendgrid key",
        make: |r| bare(format!("SG.{}.{}", r.text(BASE64URL, 22), r.text(BASE64URL, 43))),
        missed: 40,
        base64: false,
        bare: true,
    },
    Kind {
        name: "hugging face token",
        make: |r| {
            bare(format!(
                "hf_{}",
                r.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 34)
            ))
        },
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "groq key",
        make: |r| bare(format!("gsk_{}", r.text(ALNUM, 52))),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: "vault token",
        make: |r| bare(format!("hvs.{}", r.text(BASE64URL, 90))),
        missed: 0,
        base64: false,
        bare: true,
    },
    Kind {
        name: ".env password",
        make: |r| within("PORT=80\nDB_PASSWORD={}\nDEBUG=1", r.text(SYMBOLS, 20)),
        missed: 10,
        base64: false,
        bare: true,
    },
    Kind {
        name: ".env secret key",
        make: |r| within("SECRET_KEY=\"{}\"", r.text(ALNUM, 50)),
        missed: 2,
        base64: false,
        bare: true,
    },
    Kind {
        name: ".env token",
        make: |r| within("export DEPLOY_TOKEN={}", r.text(HEX, 40)),
        missed: 2,
        base64: false,
        bare: true,
    },
    Kind {
        name: "json password",
        make: |r| within(r#"{"user": "x", "password": "{}"}"#, r.text(ALNUM, 14)),
        missed: 120,
        base64: false,
        bare: true,
    },
    Kind {
        name: "yaml api key",
        make: |r| within("service:\n  api_key: {}\n", r.text(HEX, 32)),
        missed: 2,
        base64: false,
        bare: true,
    },
    Kind {
        name: "option of a command",
        make: |r| within("deploy --api-token {} --verbose", r.text(ALNUM, 32)),
        missed: 10,
        base64: false,
        bare: true,
    },
];

/// Folder of the captures.
pub fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")
}

/// Every captured request body, in a fixed order.
pub fn bodies() -> Vec<(PathBuf, Signal, Encoding, Vec<u8>)> {
    let mut paths = Vec::new();
    for agent in std::fs::read_dir(captures()).unwrap() {
        let agent = agent.unwrap().path();
        if !agent.is_dir() {
            continue;
        }
        for run in std::fs::read_dir(agent).unwrap() {
            let run = run.unwrap().path();
            if run.is_dir() {
                paths.extend(std::fs::read_dir(run).unwrap().map(|file| file.unwrap().path()));
            }
        }
    }
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let parts: Vec<&str> = name.split('.').collect();
            let [_, signal, encoding] = parts.as_slice() else { return None };
            let encoding = match *encoding {
                "pb" => Encoding::Protobuf,
                "json" => Encoding::Json,
                _ => return None,
            };
            let signal = Signal::from_name(signal)?;
            let body = std::fs::read(&path).unwrap();
            Some((path, signal, encoding, body))
        })
        .collect()
}

/// A request as Protobuf.
pub fn protobuf(request: &Request) -> Vec<u8> {
    use prost::Message as _;
    match request {
        Request::Logs(request) => request.encode_to_vec(),
        Request::Traces(request) => request.encode_to_vec(),
        Request::Metrics(request) => request.encode_to_vec(),
    }
}

/// A request as OTLP/JSON.
pub fn json(request: &Request) -> String {
    use blotter_schemas::otlp::json;
    match request {
        Request::Logs(request) => json::encode_logs(request),
        Request::Traces(request) => json::encode_traces(request),
        Request::Metrics(request) => json::encode_metrics(request),
    }
}

/// A redactor with the built-in rules and a key of its own.
pub fn redactor() -> blotter_redaction::Redactor {
    let keys = blotter_redaction::Keys::ephemeral().unwrap();
    blotter_redaction::Redactor::new(&blotter_redaction::Configuration::default(), keys).unwrap()
}
