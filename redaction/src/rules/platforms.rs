//! Tokens of code platforms and services that the rule set we build on lacks.

use blotter_schemas::names::blotter::TokenType;

use super::BuiltIn;
use crate::rule::Beside;

pub(super) const RULES: &[BuiltIn] = &[
    BuiltIn {
        id: "github-pat",
        brief: "GitHub personal access token",
        token_type: Some(TokenType::PersonalAccessToken),
        pattern: r"\b(ghp_[A-Za-z0-9_]{36,})\b",
        anchors: &[("ghp_", Beside::Token(30))],
        base64: &["ghp_"],
        matches: &["ghp_{alnum:36}", "ghp_{alnum:200}"],
        rejects: &["ghp_short"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "github-oauth",
        brief: "GitHub OAuth access token",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b(gho_[A-Za-z0-9_]{36,})\b",
        anchors: &[("gho_", Beside::Token(30))],
        base64: &["gho_"],
        matches: &["gho_{alnum:36}", "gho_{alnum:200}"],
        rejects: &["gho_short"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "github-app",
        brief: "GitHub application token, of a user or an installation, opaque or stateless",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b(ghu_[A-Za-z0-9_]{36,}|ghs_[A-Za-z0-9._-]{36,})",
        anchors: &[("ghu_", Beside::Token(30)), ("ghs_", Beside::Token(30))],
        base64: &["ghu_", "ghs_"],
        matches: &[
            "ghu_{alnum:36}",
            "ghs_{alnum:36}",
            "ghs_{alnum:20}.{base64url:300}.{base64url:171}",
        ],
        rejects: &["ghs_short"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "github-refresh-token",
        brief: "GitHub refresh token",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b(ghr_[A-Za-z0-9_]{36,})\b",
        anchors: &[("ghr_", Beside::Token(30))],
        base64: &["ghr_"],
        matches: &["ghr_{alnum:76}"],
        rejects: &["ghr_short"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "gitlab-token",
        brief: "GitLab token: personal, deploy, runner, trigger, job",
        token_type: Some(TokenType::PersonalAccessToken),
        pattern: r"\b(gl(?:pat|dt|rt|ptt|cbt|ft|ffct|soat|agent|imt|oas)-[A-Za-z0-9_-]{20,}(?:\.[a-z0-9]{2}\.[a-z0-9]{9})?)",
        anchors: &[
            ("glpat-", Beside::Token(20)),
            ("gldt-", Beside::Token(20)),
            ("glrt-", Beside::Token(20)),
            ("glptt-", Beside::Token(20)),
            ("glcbt-", Beside::Token(20)),
            ("glsoat-", Beside::Token(20)),
            ("glft-", Beside::Token(20)),
            ("glffct-", Beside::Token(20)),
            ("glagent-", Beside::Token(20)),
            ("glimt-", Beside::Token(20)),
            ("gloas-", Beside::Token(20)),
        ],
        base64: &["glpat-"],
        matches: &["glpat-{base64url:20}", "glrt-{base64url:27}.01.{lower:9}"],
        rejects: &["glpat-short"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "slack-app-token",
        brief: "Slack application or configuration token",
        token_type: Some(TokenType::Oauth),
        pattern: r"\b(xapp-[0-9]-[A-Z0-9]{8,}-[0-9]{8,}-[A-Za-z0-9]{32,}|xoxe(?:\.xox[bp])?-[0-9]-[A-Za-z0-9]{60,})",
        anchors: &[("xapp-", Beside::Token(30)), ("xoxe", Beside::Token(30))],
        matches: &["xapp-1-A{upper:10}-{digits:13}-{hex:64}", "xoxe.xoxp-1-{alnum:160}"],
        rejects: &["xapp-1-A"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "vault-token",
        brief: "HashiCorp Vault token",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(hv[sbr]\.[A-Za-z0-9_-]{24,})",
        anchors: &[
            ("hvs.", Beside::Token(24)),
            ("hvb.", Beside::Token(24)),
            ("hvr.", Beside::Token(24)),
        ],
        entropy: 3.5,
        matches: &["hvs.{base64url:90}"],
        rejects: &["hvs.example.com"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "atlassian-token",
        brief: "Atlassian API token",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(AT(?:ATT|CTT)3x[A-Za-z0-9_=-]{60,})",
        anchors: &[("ATATT3x", Beside::Token(50)), ("ATCTT3x", Beside::Token(50))],
        matches: &["ATATT3x{base64url:180}={hex:8}"],
        rejects: &["ATATT3x"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "docker-token",
        brief: "Docker Hub access token",
        token_type: Some(TokenType::PersonalAccessToken),
        pattern: r"\b(dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,})",
        anchors: &[("dckr_", Beside::Token(20))],
        matches: &["dckr_pat_{base64url:27}"],
        rejects: &["dckr_pat_x"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "linear-api-key",
        brief: "Linear API key",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(lin_(?:api|oauth)_[A-Za-z0-9]{32,})\b",
        anchors: &[("lin_api_", Beside::Token(32)), ("lin_oauth_", Beside::Token(32))],
        matches: &["lin_api_{alnum:40}"],
        rejects: &["lin_api_key"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "tailscale-key",
        brief: "Tailscale key",
        token_type: Some(TokenType::ApiKey),
        pattern: r"\b(tskey-[a-z]{3,10}-[A-Za-z0-9]{8,}-[A-Za-z0-9]{20,})\b",
        anchors: &[("tskey-", Beside::Token(30))],
        matches: &["tskey-auth-{alnum:16}-{alnum:32}"],
        rejects: &["tskey-auth-x"],
        ..BuiltIn::PLAIN
    },
];
