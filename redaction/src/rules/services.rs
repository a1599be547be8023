//! Tokens of services and registries, each with a form of its own.

use blotter_schemas::names::blotter::TokenType;

use super::BuiltIn;
use crate::rule::Beside;

/// A rule for keys of a service that begin like nothing else does.
const fn key(
    id: &'static str,
    brief: &'static str,
    pattern: &'static str,
    anchors: &'static [(&'static str, Beside)],
    matches: &'static [&'static str],
    rejects: &'static [&'static str],
) -> BuiltIn {
    BuiltIn {
        id,
        brief,
        token_type: Some(TokenType::ApiKey),
        pattern,
        anchors,
        matches,
        rejects,
        ..BuiltIn::PLAIN
    }
}

pub(super) const RULES: &[BuiltIn] = &[
    key(
        "rubygems-api-key",
        "RubyGems API key",
        r"\b(rubygems_[a-f0-9]{48})\b",
        &[("rubygems_", Beside::Token(48))],
        &["rubygems_{hex:48}"],
        &["rubygems_version", "rubygems_{hex:20}"],
    ),
    key(
        "airtable-token",
        "Airtable personal access token",
        r"\b(pat[A-Za-z0-9]{14}\.[a-f0-9]{64})\b",
        &[("pat", Beside::Token(79))],
        &["pat{alnum:14}.{hex:64}"],
        &["pat{alnum:14}.{hex:20}", "path.{hex:64}"],
    ),
    BuiltIn {
        entropy: 3.5,
        mixed: true,
        ..key(
            "crates-io-token",
            "Cargo registry API token",
            r"\b(cio[A-Za-z0-9]{32})\b",
            &[("cio", Beside::Token(32))],
            &["cio{alnum:32}"],
            &["precio{alnum:32}", "ciocompletionportsareonlyonwindows1"],
        )
    },
    BuiltIn {
        entropy: 3.5,
        ..key(
            "nuget-api-key",
            "NuGet API key",
            r"\b(oy2[a-z0-9]{43})\b",
            &[("oy2", Beside::Token(43))],
            &["oy2{lower:43}"],
            &["oy2{lower:20}"],
        )
    },
    key(
        "stripe-test-key",
        "Stripe secret key of a sandbox",
        r"\b([sr]k_test_[A-Za-z0-9]{16,})\b",
        &[("k_test_", Beside::Value(16))],
        &["sk_test_{alnum:24}", "rk_test_{alnum:99}"],
        &["sk_test_key", "task_test_{alnum:24}"],
    ),
    key(
        "telegram-bot-token",
        "Telegram bot token",
        r"\b([0-9]{8,10}:AA[A-Za-z0-9_-]{33})(?:[^A-Za-z0-9_-]|$)",
        &[(":AA", Beside::Value(33)), ("%3AAA", Beside::Value(33)), ("%3aAA", Beside::Value(33))],
        &["1234567890:AA{base64url:33}"],
        &["12:AA{base64url:33}", "1234567890:AA{base64url:50}"],
    ),
    key(
        "terraform-token",
        "HCP Terraform token",
        r"\b([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,})",
        &[(".atlasv1.", Beside::Value(60))],
        &["{alnum:14}.atlasv1.{base64url:67}"],
        &["x.atlasv1.y"],
    ),
    key(
        "databricks-token",
        "Databricks personal access token",
        r"\b(dapi[a-f0-9]{32}(?:-[0-9])?)\b",
        &[("dapi", Beside::Token(32))],
        &["dapi{hex:32}", "dapi{hex:32}-2"],
        &["dapi{hex:20}"],
    ),
    key(
        "grafana-token",
        "Grafana service account token",
        r"\b(glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8})\b",
        &[("glsa_", Beside::Token(40))],
        &["glsa_{alnum:32}_{hex:8}"],
        &["glsa_token"],
    ),
    key(
        "new-relic-key",
        "New Relic user key",
        r"\b(NRAK-[A-Z0-9]{27})\b",
        &[("NRAK-", Beside::Token(27))],
        &["NRAK-{upper:27}"],
        &["NRAK-KEY"],
    ),
    key(
        "sentry-token",
        "Sentry user or organisation token",
        r"\b(sntryu_[a-f0-9]{64}|sntrys_eyJ[A-Za-z0-9+/=_-]{40,})",
        &[("sntryu_", Beside::Token(60)), ("sntrys_", Beside::Value(40))],
        &["sntryu_{hex:64}", "sntrys_eyJ{base64:120}="],
        &["sntryu_token"],
    ),
    key(
        "shopify-token",
        "Shopify access token or shared secret",
        r"\b(shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})\b",
        &[
            ("shpat_", Beside::Token(32)),
            ("shpca_", Beside::Token(32)),
            ("shppa_", Beside::Token(32)),
            ("shpss_", Beside::Token(32)),
        ],
        &["shpat_{hex:32}", "shpss_{hex:32}"],
        &["shpat_short"],
    ),
    key(
        "notion-token",
        "Notion integration token",
        r"\b(ntn_[0-9]{11}[A-Za-z0-9]{35})\b",
        &[("ntn_", Beside::Token(46))],
        &["ntn_{digits:11}{alnum:35}"],
        &["ntn_token"],
    ),
    key(
        "figma-token",
        "Figma personal access token",
        r"\b(figd_[A-Za-z0-9_-]{36,})",
        &[("figd_", Beside::Token(36))],
        &["figd_{base64url:40}"],
        &["figd_short", "figure_out"],
    ),
    key(
        "pulumi-token",
        "Pulumi access token",
        r"\b(pul-[a-f0-9]{40})\b",
        &[("pul-", Beside::Token(40))],
        &["pul-{hex:40}"],
        &["pul-{hex:20}"],
    ),
    key(
        "doppler-token",
        "Doppler token",
        r"\b(dp\.(?:pt|ct|sa|st|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44})\b",
        &[
            ("dp.pt.", Beside::Token(40)),
            ("dp.ct.", Beside::Token(40)),
            ("dp.sa.", Beside::Token(40)),
            ("dp.st.", Beside::Token(40)),
            ("dp.scim.", Beside::Token(40)),
            ("dp.audit.", Beside::Token(40)),
        ],
        &["dp.pt.{alnum:43}", "dp.st.dev.{alnum:43}"],
        &["dp.pt.short"],
    ),
    key(
        "supabase-key",
        "Supabase secret key or access token",
        r"\b(sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{28,})",
        &[("sbp_", Beside::Token(40)), ("sb_secret_", Beside::Token(28))],
        &["sbp_{hex:40}", "sb_secret_{base64url:22}_{base64url:8}"],
        &["sbp_short", "sb_secret_key"],
    ),
    key(
        "digitalocean-oauth-token",
        "DigitalOcean OAuth or refresh token",
        r"\b(do[or]_v1_[a-f0-9]{64})\b",
        &[("doo_v1_", Beside::Token(60)), ("dor_v1_", Beside::Token(60))],
        &["doo_v1_{hex:64}", "dor_v1_{hex:64}"],
        &["doo_v1_x"],
    ),
    key(
        "azure-devops-token",
        "Azure DevOps personal access token",
        r"\b([A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})\b",
        &[("AZDO", Beside::Anything)],
        &["{alnum:76}AZDO{alnum:4}"],
        &["AZDO_PAT"],
    ),
];
