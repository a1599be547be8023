//! Credentials that agents and model providers use.

use blotter_schemas::names::blotter::TokenType;

use super::{BuiltIn, PLACE};
use crate::rule::{Beside, Extent};

pub(super) const RULES: &[BuiltIn] = &[
    BuiltIn {
        id: "anthropic-oauth-token",
        brief: "Anthropic OAuth access or refresh token",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b(sk-ant-o[ar]t[0-9]{2}-[A-Za-z0-9_-]{20,})",
        anchors: &[("sk-ant-", Beside::Token(20))],
        base64: &["sk-ant-"],
        matches: &["sk-ant-oat01-{base64url:90}AA", "sk-ant-ort01-{base64url:90}AA"],
        rejects: &["sk-ant-oat01-...", "risk-ant-oat01-{base64url:90}"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "anthropic-api-key",
        brief: "Anthropic API or administration key",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(sk-ant-(?:api|admin|sid)[0-9]{2}-[A-Za-z0-9_-]{20,})",
        anchors: &[("sk-ant-", Beside::Token(20))],
        base64: &["sk-ant-"],
        matches: &["sk-ant-api03-{base64url:93}AA", "sk-ant-admin01-{base64url:93}AA"],
        rejects: &["sk-ant-api03-xxx", "task-ant-api03-{base64url:93}"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "openai-api-key",
        brief: "OpenAI project, service account or administration key, or one of the older form",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(sk-(?:proj|svcacct|admin|None|service)-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})",
        anchors: &[("sk-", Beside::Token(20))],
        base64: &["sk-proj-", "sk-svcacct-", "T3BlbkFJ"],
        matches: &[
            "sk-proj-{base64url:74}T3BlbkFJ{base64url:74}",
            "sk-{alnum:20}T3BlbkFJ{alnum:20}",
            "sk-svcacct-{base64url:74}T3BlbkFJ{base64url:74}",
        ],
        rejects: &["sk-proj-short", "sk-{alnum:20}", "disk-proj-{base64url:40}"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "openrouter-api-key",
        brief: "OpenRouter API key",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(sk-or-v1-[0-9a-f]{64})\b",
        anchors: &[("sk-", Beside::Token(20))],
        matches: &["sk-or-v1-{hex:64}"],
        rejects: &["sk-or-v1-{hex:32}"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "sk-api-key",
        brief: "API key in the form that many model providers share",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(sk-[A-Za-z0-9][A-Za-z0-9_-]{30,})",
        anchors: &[("sk-", Beside::Token(20))],
        rank: PLACE,
        entropy: 3.0,
        mixed: true,
        matches: &["sk-{hex:32}", "key: sk-{alnum:48}"],
        rejects: &[
            "sk-learn-contrib-is-a-package-of-python-modules",
            "task-{hex:32}",
            "sk-0000000000000000000000000000000000",
        ],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "personal-access-token",
        brief: "Personal access token of a coding agent",
        token_type: Some(TokenType::PersonalAccessToken),
        pattern: r"(?:^|[^A-Za-z0-9_-])(at-[A-Za-z0-9_-]{20,})",
        anchors: &[("at-", Beside::Token(20))],
        entropy: 3.2,
        mixed: true,
        matches: &["at-{base64url:43}", "CODEX_ACCESS_TOKEN=at-{alnum:40}"],
        rejects: &[
            "at-least-one-of-these-words-is-too-long",
            "format-{base64url:43}",
            "what-at-{base64url:43}",
        ],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "jwt",
        brief: "JSON Web Token: access, identity or session token",
        token_type: Some(TokenType::Jwt),
        pattern: r"\b(eyJ[A-Za-z0-9_-]{8,64})",
        anchors: &[("eyJ", Beside::Token(16))],
        base64: &["eyJhbGci", "eyJ0eXAi", "eyJraWQi"],
        extent: Extent::Jwt,
        matches: &["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{base64url:60}.{base64url:43}"],
        rejects: &[
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            "eyJmb28iOiJiYXIifQ.eyJmb28iOiJiYXIifQ.{base64url:43}",
            "data:application/json;base64,eyJ{base64:60}",
        ],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "oauth-code",
        brief: "Authorization code or verifier of OAuth in a URL or form",
        token_type: Some(TokenType::Oauth),
        pattern: r"(?:[?&]code=|\bcode_verifier=)([A-Za-z0-9._~/%+-]{16,})",
        anchors: &[("code=", Beside::Value(16)), ("code_verifier=", Beside::Value(16))],
        rank: PLACE,
        entropy: 3.0,
        mixed: true,
        literal: true,
        matches: &[
            "http://localhost:1455/auth/callback?code=ac_{base64url:43}&state=x",
            "grant_type=authorization_code&code_verifier={base64url:64}",
        ],
        rejects: &["?code=404", "exit code=1", "?code=your-authorization-code-here"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "oauth-opaque-token",
        brief: "Authorization code, access or refresh token of an OAuth server: two random parts and a dot",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b((?:ory_(?:at|rt|ac)|rt|ac)_[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{40,})",
        anchors: &[
            ("ory_at_", Beside::Token(80)),
            ("ory_rt_", Beside::Token(80)),
            ("ory_ac_", Beside::Token(80)),
            ("rt_", Beside::Token(80)),
            ("ac_", Beside::Token(80)),
        ],
        matches: &["ory_rt_{base64url:43}.{base64url:43}", "rt_{base64url:43}.{base64url:43}"],
        rejects: &["start_{base64url:43}.{base64url:43}", "rt_tables.conf"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "google-refresh-token",
        brief: "Google OAuth refresh token",
        token_type: Some(TokenType::Oauth),
        pattern: r"(?:^|[^A-Za-z0-9_/.-])(1//0[A-Za-z0-9_-]{40,})",
        anchors: &[
            ("1//0", Beside::Token(40)),
            ("1\\/\\/0", Beside::Anything),
            ("1%2F%2F0", Beside::Anything),
            ("1%2f%2f0", Beside::Anything),
        ],
        entropy: 3.5,
        matches: &["1//0{base64url:98}"],
        rejects: &["https://x1//0{hex:10}", "1//0"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "groq-api-key",
        brief: "Groq API key",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(gsk_[A-Za-z0-9]{50,})\b",
        anchors: &[("gsk_", Beside::Token(40))],
        matches: &["gsk_{alnum:52}"],
        rejects: &["gsk_scene_view_new"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "xai-api-key",
        brief: "xAI API key",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(xai-[A-Za-z0-9]{70,})\b",
        anchors: &[("xai-", Beside::Token(40))],
        matches: &["xai-{alnum:80}"],
        rejects: &["xai-grok"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "perplexity-api-key",
        brief: "Perplexity API key",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(pplx-[A-Za-z0-9]{40,})\b",
        anchors: &[("pplx-", Beside::Token(40))],
        matches: &["pplx-{alnum:48}"],
        rejects: &["pplx-online"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "huggingface-token",
        brief: "Hugging Face access token",
        token_type: Some(TokenType::PersonalAccessToken),
        pattern: r"\b(hf_[A-Za-z0-9]{30,40})\b",
        anchors: &[("hf_", Beside::Token(30))],
        entropy: 3.2,
        matches: &["hf_{alnum:34}"],
        rejects: &["hf_hub_download", "shelf_{alnum:34}"],
        ..BuiltIn::PLAIN
    },
];
