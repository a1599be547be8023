//! Keys of clouds, and private keys.

use blotter_schemas::names::blotter::TokenType;

use super::{BuiltIn, PLACE};
use crate::rule::{Beside, Extent};

const WHOLE: &[&str] = &[""];

pub(super) const RULES: &[BuiltIn] = &[
    BuiltIn {
        id: "private-key",
        brief: "Private key in PEM: RSA, EC, OpenSSH, PGP, plain or encrypted",
        pattern: r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)",
        anchors: &[("-----BEGIN", Beside::Anything)],
        base64: &["-----BEGIN "],
        extent: Extent::Pem,
        matches: &[
            "-----BEGIN PRIVATE KEY-----\n{base64:64}\n{base64:64}\n-----END PRIVATE KEY-----",
            r"-----BEGIN EC PRIVATE KEY-----\n{base64:64}\n{base64:64}\n-----END EC PRIVATE KEY-----\n",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{base64:70}\n{base64:70}",
        ],
        rejects: &[
            "-----BEGIN PUBLIC KEY-----\n{base64:64}\n-----END PUBLIC KEY-----",
            "grep -e '-----BEGIN PRIVATE KEY-----' file",
            "-----BEGIN CERTIFICATE-----\n{base64:64}\n-----END CERTIFICATE-----",
        ],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "age-secret-key",
        brief: "Secret key of age",
        pattern: r"\b(AGE-SECRET-KEY-1[0-9A-Z]{58})\b",
        anchors: &[("AGE-SECRET-KEY-1", Beside::Token(50))],
        matches: &["AGE-SECRET-KEY-1{upper:58}"],
        rejects: &["AGE-SECRET-KEY-1..."],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "aws-secret-access-key",
        brief: "AWS secret access key, by its name or beside its access key id",
        pattern: r#"(?:(?i:secret_?access_?key)["']?[ \t]{0,4}[:=][ \t]{0,4}["']?|\b(?:AKIA|ASIA)[A-Z2-7]{16}["']?[ \t]{0,3}[,:|/;\t \n]["']?[ \t]{0,3}["']?)([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        anchors: &[
            ("ccessKey", Beside::Name(WHOLE)),
            ("ccess_key", Beside::Name(WHOLE)),
            ("CCESS_KEY", Beside::Name(WHOLE)),
            ("AKIA", Beside::Token(16)),
            ("ASIA", Beside::Token(16)),
        ],
        entropy: 3.5,
        mixed: true,
        matches: &[
            "aws_secret_access_key = {base64:40}",
            r#""SecretAccessKey": "{base64:40}""#,
            "AKIA{base32:16},{base64:40}\n",
        ],
        rejects: &["aws_secret_access_key = $AWS_SECRET", "AWS_SECRET_ACCESS_KEY={hex:12}"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "aws-session-token",
        brief: "AWS session token",
        token_type: Some(TokenType::Oauth),
        pattern: r#"(?i:session_?token|security_?token)["']?[ \t]{0,4}[:=][ \t]{0,4}["']?([A-Za-z0-9/+]{100,}={0,2})"#,
        anchors: &[("oken", Beside::Name(WHOLE)), ("OKEN", Beside::Name(WHOLE))],
        entropy: 4.0,
        mixed: true,
        matches: &["AWS_SESSION_TOKEN={base64:356}"],
        rejects: &["session_token={hex:30}"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "aws-sts-token",
        brief: "AWS session token, by how tokens of its Security Token Service begin",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b((?:IQoJb3JpZ2luX2Vj|F[wQ]oGZXIvYXdz)[A-Za-z0-9/+]{100,}={0,2})",
        anchors: &[
            ("IQoJb3JpZ2luX2Vj", Beside::Anything),
            ("FwoGZXIvYXdz", Beside::Anything),
            ("FQoGZXIvYXdz", Beside::Anything),
        ],
        entropy: 4.0,
        mixed: true,
        matches: &["IQoJb3JpZ2luX2Vj{base64:356}", "x-amz: FwoGZXIvYXdz{base64:300}"],
        rejects: &["IQoJb3JpZ2luX2Vj", "FQoGZXIvYXdz{base64:40}"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "gcp-api-key",
        brief: "Google API key",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(AIza[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)",
        anchors: &[("AIza", Beside::Token(35))],
        base64: &["AIza"],
        matches: &["key=AIza{base64url:35}&x=y"],
        rejects: &["AIza{base64url:20}", "AIza{base64url:60}"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "gcp-oauth-token",
        brief: "Google OAuth access token",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b(ya29\.[A-Za-z0-9_-]{20,})",
        anchors: &[("ya29.", Beside::Token(20))],
        base64: &["ya29."],
        matches: &["ya29.{base64url:180}"],
        rejects: &["ya29.txt"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "gcp-client-secret",
        brief: "Google OAuth client secret",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b(GOCSPX-[A-Za-z0-9_-]{28})",
        anchors: &[("GOCSPX-", Beside::Token(28))],
        matches: &["GOCSPX-{base64url:28}"],
        rejects: &["GOCSPX-example"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "azure-account-key",
        brief: "Key of an Azure storage account, event hub, service bus or Cosmos DB",
        token_type: Some(TokenType::ApiKey),
        pattern: r#"(?i:account_?key|sharedaccesskey|access_?key|storage_?key)["']?[ \t]{0,4}[:=][ \t]{0,4}["']?([A-Za-z0-9/+]{43,86}={1,2})"#,
        anchors: &[
            ("Key", Beside::Name(WHOLE)),
            ("_key", Beside::Name(WHOLE)),
            ("_KEY", Beside::Name(WHOLE)),
        ],
        entropy: 3.5,
        matches: &[
            "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={base64:86}==;EndpointSuffix=core.windows.net",
            "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey={base64:43}=",
        ],
        rejects: &["AccountKey=<account-key>"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "azure-client-secret",
        brief: "Client secret of Microsoft Entra",
        token_type: Some(TokenType::Oauth),
        pattern: r"(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34})",
        anchors: &[("8Q~", Beside::Anything), ("7Q~", Beside::Anything)],
        matches: &["abc8Q~{base64url:34}"],
        rejects: &["8Q~"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "azure-sas-signature",
        brief: "Signature of an Azure shared access URL",
        token_type: Some(TokenType::ApiKey),
        pattern: r"[?&]sig=([A-Za-z0-9%+/_-]{40,}={0,2})",
        anchors: &[("sig=", Beside::Value(40))],
        rank: PLACE,
        entropy: 3.5,
        matches: &["https://x.blob.core.windows.net/c/b?sv=2024-01-01&sig={alnum:43}%3D"],
        rejects: &["?sig=none", "&sig=abc"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "connection-string",
        brief: "Password in a URL: databases, brokers, proxies, repositories",
        pattern: r#"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/@"'<>`]{0,128}:([^\s/@"'<>`]{3,200})@[A-Za-z0-9\[]"#,
        anchors: &[
            ("://", Beside::Login),
            (":\\/\\/", Beside::Login),
            ("%3A%2F%2F", Beside::Login),
            ("%3a%2f%2f", Beside::Login),
        ],
        rank: PLACE,
        literal: true,
        matches: &[
            "postgres://app:{alnum:16}@db.internal:5432/app",
            "redis://:{alnum:16}@cache:6379",
            "https://user:{alnum:20}@git.internal/repo.git",
            "amqp%3A%2F%2Fapp%3A{alnum:16}%40broker%3A5672",
        ],
        rejects: &[
            "http://localhost:8080/@x",
            "postgres://user:$PASSWORD@host",
            "postgres://user:<password>@host",
            "https://host/path:x@y",
        ],
        ..BuiltIn::PLAIN
    },
];
