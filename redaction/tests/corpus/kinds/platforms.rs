//! Tokens of code platforms, registries and services.

use super::super::random::*;
use super::{Kind, bare, within};

const GITHUB: &str =
    "github.blog/changelog/2021-03-31 authentication token format; 2026-05-15 stateless tokens";
const GITLAB: &str = "docs.gitlab.com/security/tokens";
const SLACK: &str = "api.slack.com/authentication/token-types; docs.gitguardian.com slack";
const STRIPE: &str = "docs.stripe.com/keys";

pub(super) fn kinds() -> Vec<Kind> {
    vec![
        Kind::new("github token", GITHUB, |r| {
            let prefix = r.pick(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]);
            bare(format!("{prefix}{}", r.text(ALNUM, 36)))
        })
        .base64(),
        Kind::new("github token, longer", GITHUB, |r| {
            let prefix = r.pick(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]);
            let length = 37 + r.below(200);
            bare(format!("{prefix}{}", r.text(ALNUM, length)))
        })
        .base64(),
        Kind::new("github stateless token", GITHUB, |r| {
            let payload = r.text(BASE64URL, 300);
            let signature = r.text(BASE64URL, 171);
            bare(format!("ghs_eyJhbGciOiJSUzI1NiJ9.{payload}.{signature}"))
        })
        .base64(),
        Kind::new("github fine-grained", GITHUB, |r| {
            bare(format!("github_pat_{}_{}", r.text(ALNUM, 22), r.text(ALNUM, 59)))
        })
        .base64(),
        Kind::new("gitlab token", GITLAB, |r| bare(format!("glpat-{}", r.text(BASE64URL, 20))))
            .base64(),
        Kind::new("gitlab token, routable", GITLAB, |r| {
            bare(format!("glpat-{}.01.{}", r.text(BASE64URL, 27), r.text(LOWER, 9)))
        })
        .base64(),
        Kind::new("gitlab, other tokens", GITLAB, |r| {
            let prefix = r.pick(&[
                "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-", "glagent-", "glimt-",
                "gloas-",
            ]);
            bare(format!("{prefix}{}", r.text(BASE64URL, 20)))
        }),
        Kind::new("npm token", "npm documentation, about access tokens", |r| {
            within("//registry/:_authToken={}", format!("npm_{}", r.text(ALNUM, 36)))
        })
        .base64(),
        Kind::new("pypi token", "PyPI help, API tokens", |r| {
            bare(format!("pypi-AgEIcHlwaS5vcmc{}", r.text(BASE64URL, 150)))
        })
        .base64(),
        Kind::new("rubygems key", "guides.rubygems.org/api-key-scopes", |r| {
            bare(format!("rubygems_{}", r.text(HEX, 48)))
        }),
        Kind::new("Cargo registry token", "source of the Cargo registry, token prefix", |r| {
            bare(format!("cio{}", r.text(ALNUM, 32)))
        }),
        Kind::new("nuget key", "learn.microsoft.com/nuget/nuget-org/publish-a-package", |r| {
            bare(format!("oy2{}", r.text("abcdefghijklmnopqrstuvwxyz234567", 43)))
        }),
        Kind::new("docker token", "docs.docker.com/security/access-tokens", |r| {
            bare(format!("dckr_pat_{}", r.text(BASE64URL, 27)))
        }),
        Kind::new("slack bot token", SLACK, |r| {
            bare(format!(
                "xoxb-{}-{}-{}",
                r.text(DIGITS, 12),
                r.text(DIGITS, 13),
                r.text(ALNUM, 24)
            ))
        }),
        Kind::new("slack user token", SLACK, |r| {
            let (a, b, c) = (r.text(DIGITS, 12), r.text(DIGITS, 12), r.text(DIGITS, 13));
            bare(format!("xoxp-{a}-{b}-{c}-{}", r.text(HEX, 32)))
        }),
        Kind::new("slack app token", SLACK, |r| {
            bare(format!(
                "xapp-1-A{}-{}-{}",
                r.text(UPPER, 10),
                r.text(DIGITS, 13),
                r.text(HEX, 64)
            ))
        }),
        Kind::new("slack configuration token", SLACK, |r| {
            let prefix = r.pick(&["xoxe.xoxp-1-", "xoxe.xoxb-1-", "xoxe-1-"]);
            bare(format!("{prefix}{}", r.text(ALNUM, 147)))
        }),
        Kind::new("slack webhook", SLACK, |r| {
            let (team, channel) = (r.text(UPPER, 10), r.text(UPPER, 10));
            bare(format!(
                "https://hooks.slack.com/services/T{team}/B{channel}/{}",
                r.text(ALNUM, 24)
            ))
        }),
        Kind::new("stripe key", STRIPE, |r| {
            let prefix = r.pick(&["sk_live_", "rk_live_"]);
            let length = if r.below(2) == 0 { 24 } else { 99 };
            bare(format!("{prefix}{}", r.text(ALNUM, length)))
        })
        .base64(),
        Kind::new("stripe test key", STRIPE, |r| bare(format!("sk_test_{}", r.text(ALNUM, 99)))),
        Kind::new("stripe webhook secret", STRIPE, |r| {
            bare(format!("whsec_{}", r.text(ALNUM, 32)))
        }),
        Kind::new("square token", "developer.squareup.com/docs", |r| {
            let (prefix, length) = if r.below(2) == 0 { ("sq0atp-", 22) } else { ("sq0csp-", 43) };
            bare(format!("{prefix}{}", r.text(BASE64URL, length)))
        }),
        Kind::new("sendgrid key", "docs.sendgrid.com; 69 characters", |r| {
            bare(format!("SG.{}.{}", r.text(BASE64URL, 22), r.text(BASE64URL, 43)))
        }),
        Kind::new("mailgun key", "documentation.mailgun.com", |r| {
            bare(format!("key-{}", r.text(HEX, 32)))
        }),
        Kind::new("twilio token by name", "twilio.com/docs/iam/api-keys", |r| {
            within("TWILIO_AUTH_TOKEN={}\n", r.text(HEX, 32))
        }),
        Kind::new("discord webhook", "discord.com/developers/docs/resources/webhook", |r| {
            bare(format!(
                "https://discord.com/api/webhooks/1{}/{}",
                r.text(DIGITS, 17),
                r.text(BASE64URL, 68)
            ))
        }),
        Kind::new("telegram bot token", "core.telegram.org/bots/api", |r| {
            bare(format!("{}:AA{}", r.text("123456789", 10), r.text(BASE64URL, 33)))
        }),
        Kind::new("vault token", "developer.hashicorp.com/vault/docs/concepts/tokens", |r| {
            bare(format!("hvs.{}", r.text(BASE64URL, 90)))
        }),
        Kind::new(
            "terraform token",
            "developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens",
            |r| bare(format!("{}.atlasv1.{}", r.text(ALNUM, 14), r.text(BASE64URL, 67))),
        ),
        Kind::new("databricks token", "docs.databricks.com/dev-tools/auth/pat", |r| {
            bare(format!("dapi{}", r.text(HEX, 32)))
        }),
        Kind::new("grafana token", "grafana.com/docs service-accounts", |r| {
            bare(format!("glsa_{}_{}", r.text(ALNUM, 32), r.text(HEX, 8)))
        }),
        Kind::new(
            "new relic key",
            "docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys",
            |r| bare(format!("NRAK-{}", r.text(UPPER, 27))),
        ),
        Kind::new("sentry token", "docs.sentry.io/account/auth-tokens", |r| {
            bare(format!("sntryu_{}", r.text(HEX, 64)))
        }),
        Kind::new("shopify token", "shopify.dev/docs/apps/auth", |r| {
            let prefix = r.pick(&["shpat_", "shpca_", "shppa_", "shpss_"]);
            bare(format!("{prefix}{}", r.text(HEX, 32)))
        }),
        Kind::new("notion token", "developers.notion.com/changelog token format", |r| {
            bare(format!("ntn_{}{}", r.text(DIGITS, 11), r.text(ALNUM, 35)))
        }),
        Kind::new(
            "airtable token",
            "airtable.com/developers/web/guides/personal-access-tokens",
            |r| bare(format!("pat{}.{}", r.text(ALNUM, 14), r.text(HEX, 64))),
        ),
        Kind::new("figma token", "figma.com/developers/api", |r| {
            bare(format!("figd_{}", r.text(BASE64URL, 40)))
        }),
        Kind::new("linear key", "linear.app/developers", |r| {
            bare(format!("lin_api_{}", r.text(ALNUM, 40)))
        }),
        Kind::new(
            "pulumi token",
            "pulumi.com/docs/administration/access-identity/access-tokens",
            |r| bare(format!("pul-{}", r.text(HEX, 40))),
        ),
        Kind::new("doppler token", "docs.doppler.com/reference/auth-token-formats", |r| {
            let prefix = r.pick(&["dp.pt.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."]);
            bare(format!("{prefix}{}", r.text(ALNUM, 43)))
        }),
        Kind::new("supabase key", "supabase.com/docs/guides/api/api-keys", |r| {
            if r.below(2) == 0 {
                bare(format!("sbp_{}", r.text(HEX, 40)))
            } else {
                bare(format!("sb_secret_{}_{}", r.text(BASE64URL, 22), r.text(BASE64URL, 8)))
            }
        }),
        Kind::new("atlassian token", "support.atlassian.com api tokens", |r| {
            bare(format!("ATATT3x{}={}", r.text(BASE64URL, 180), r.text(HEX, 8).to_uppercase()))
        }),
        Kind::new("tailscale key", "tailscale.com/kb/1277/key-prefixes", |r| {
            let prefix = r.pick(&["auth", "api", "client"]);
            bare(format!("tskey-{prefix}-{}CNTRL-{}", r.text(ALNUM, 11), r.text(ALNUM, 32)))
        }),
        Kind::new("fly token", "fly.io/docs/security/tokens", |r| {
            bare(format!("fm2_{}", r.text(BASE64, 240)))
        }),
    ]
}
