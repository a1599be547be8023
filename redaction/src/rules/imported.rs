//! The rules of nosecrets-rules. Their patterns are used as they come; their keywords are too common to
//! be searched for in every request, so each rule has anchors of ours, and those that would only repeat
//! a rule of ours, or find too much, are named with the reason.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

use blotter_schemas::names::blotter::TokenType;

use super::{GENERIC, SPECIFIC};
use crate::Error;
use crate::rule::{Anchor, Beside, Checks, Extent, Rule};

const KEYS: Beside = Beside::Near(&["key", "token", "secret", "auth", "role", "anon"]);

/// How a rule is taken over.
enum Use {
    /// With these anchors; searched for in Base64 too, if so said.
    With(&'static [(&'static str, Beside)], bool, Option<TokenType>),
    /// Not, for this reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people, and the test that there is one"))]
    Not(&'static str),
}

/// How the rule with this id is taken over; none where a newer version of the rule set has a rule that
/// nobody has looked at.
fn usage(id: &str) -> Option<Use> {
    use TokenType::{ApiKey, Oauth, PersonalAccessToken as Personal};
    Some(match id {
        "aws-access-key" => Use::With(
            &[
                ("AKIA", Beside::Token(16)),
                ("ASIA", Beside::Token(16)),
                ("ABIA", Beside::Token(16)),
                ("ACCA", Beside::Token(16)),
            ],
            true,
            Some(ApiKey),
        ),
        "digitalocean-token" => Use::With(&[("dop_v1_", Beside::Token(60))], false, Some(ApiKey)),
        "cloudflare-api-token" | "cloudflare-global-api-key" => Use::With(
            &[("loudflare", KEYS), ("LOUDFLARE", KEYS), ("cf_api", KEYS), ("CF_API", KEYS)],
            false,
            Some(ApiKey),
        ),
        "cloudflare-origin-ca-key" => Use::With(&[("v1.0-", Beside::Token(60))], false, None),
        "github-fine-grained-pat" => {
            Use::With(&[("github_pat_", Beside::Token(30))], true, Some(Personal))
        }
        "npm-token" => Use::With(&[("npm_", Beside::Token(36))], true, Some(Personal)),
        "pypi-token" => Use::With(&[("pypi-", Beside::Token(40))], true, Some(Personal)),
        "slack-token" => Use::With(
            &[
                ("xoxp-", Beside::Token(30)),
                ("xoxb-", Beside::Token(30)),
                ("xoxo-", Beside::Token(30)),
                ("xoxa-", Beside::Token(30)),
                ("xoxr-", Beside::Token(30)),
                ("xoxs-", Beside::Token(30)),
            ],
            false,
            Some(Oauth),
        ),
        "slack-webhook" => Use::With(&[("hooks.slack.com", Beside::Anything)], false, None),
        "discord-token" => Use::With(
            &[("iscord", Beside::Anything), ("ISCORD", Beside::Anything)],
            false,
            Some(ApiKey),
        ),
        "discord-webhook" => Use::With(&[("iscord", Beside::Anything)], false, None),
        "sendgrid-api-key" => Use::With(&[("SG.", Beside::Token(40))], false, Some(ApiKey)),
        "twilio-auth-token" => Use::With(&[("wilio", KEYS), ("WILIO", KEYS)], false, Some(ApiKey)),
        "mailchimp-api-key" => Use::With(&[("-us", Beside::Digit)], false, Some(ApiKey)),
        "mailgun-api-key" => Use::With(&[("key-", Beside::Token(32))], false, Some(ApiKey)),
        "jdbc-password-param" => {
            Use::With(&[("jdbc", Beside::Anything), ("JDBC", Beside::Anything)], false, None)
        }
        "netlify-access-token" => {
            Use::With(&[("etlify", KEYS), ("ETLIFY", KEYS)], false, Some(Personal))
        }
        "flyio-access-token" => Use::With(
            &[
                ("fo1_", Beside::Token(40)),
                ("fm1a_", Beside::Anything),
                ("fm1r_", Beside::Anything),
                ("fm2_", Beside::Anything),
            ],
            false,
            Some(ApiKey),
        ),
        "heroku-api-key" => Use::With(&[("eroku", KEYS), ("EROKU", KEYS)], false, Some(ApiKey)),
        "heroku-api-key-v2" => Use::With(&[("HRKU-AA", Beside::Token(50))], false, Some(ApiKey)),
        "vercel-token" => Use::With(&[("ercel", KEYS), ("ERCEL", KEYS)], false, Some(ApiKey)),
        "railway-token" => Use::With(&[("ailway", KEYS), ("AILWAY", KEYS)], false, Some(ApiKey)),
        "supabase-anon-key" | "supabase-service-role-key" => {
            Use::With(&[("upabase", KEYS), ("UPABASE", KEYS)], false, Some(ApiKey))
        }
        "stripe-secret-key" | "stripe-restricted-key" => {
            Use::With(&[("k_live_", Beside::Value(24))], true, Some(ApiKey))
        }
        "stripe-webhook-secret" => Use::With(&[("whsec_", Beside::Token(32))], false, None),
        "paypal-client-secret" => {
            Use::With(&[("aypal", KEYS), ("AYPAL", KEYS), ("ayPal", KEYS)], false, Some(Oauth))
        }
        "square-access-token" => Use::With(&[("sq0atp-", Beside::Token(22))], false, Some(Oauth)),
        "square-oauth-secret" => Use::With(&[("sq0csp-", Beside::Token(43))], false, Some(Oauth)),
        "postgres-connection-uri"
        | "mysql-connection-uri"
        | "mongodb-connection-uri"
        | "redis-connection-uri"
        | "mssql-connection-uri" => Use::Not("connection-string knows every scheme"),
        "render-api-key" => Use::Not("a common word; RENDER_API_KEY is found by its ending"),
        "gcp-api-key" => Use::Not("ours finds keys that end in a hyphen too"),
        "aws-secret-key" => Use::Not("aws-secret-access-key finds it by its exact names"),
        "azure-storage-key" => Use::Not("azure-account-key finds it by its exact names"),
        "github-pat" | "github-oauth" | "github-app" => {
            Use::Not("ours find the longer and the stateless tokens too")
        }
        "gitlab-pat" => Use::Not("gitlab-token knows its newer forms too"),
        "twilio-api-key" => Use::Not("an identifier, and two letters are no anchor"),
        "private-key" => Use::Not("it finds the first line only"),
        "generic-api-key" | "generic-secret" | "password-assignment" => {
            Use::Not("secret-assignment checks that the value is one")
        }
        "basic-auth" => Use::Not("authorization-header"),
        _ => return None,
    })
}

/// The rules taken over.
pub(super) fn rules() -> Result<Vec<Rule>, Error> {
    let rules = nosecrets_rules::load_builtin_rules()?;
    Ok(rules.into_iter().filter_map(take).collect())
}

fn take(rule: nosecrets_rules::Rule) -> Option<Rule> {
    let Some(Use::With(anchors, base64, token_type)) = usage(&rule.id) else {
        return None;
    };
    let literals = || anchors.iter().map(|&(literal, _)| literal.to_owned());
    let validate = rule.validate.unwrap_or_default();
    // One group of several has the whole alternation; some lengths in the set forget the prefix, so
    // that only its bounds are used.
    let checks = Checks {
        shortest: validate.min_length.unwrap_or(0),
        longest: validate.max_length.unwrap_or(0),
        class: String::new(),
        entropy: if rule.id == "mailchimp-api-key" { 2.5 } else { 0.0 },
        allow: rule.allow.map(|allow| allow.patterns).unwrap_or_default(),
        ..Checks::default()
    };
    Some(Rule {
        brief: rule.name,
        token_type,
        anchors: anchors
            .iter()
            .map(|&(literal, beside)| Anchor { literal: literal.to_owned(), beside })
            .collect(),
        base64: if base64 { literals().collect() } else { Vec::new() },
        pattern: ends_anywhere(rule.pattern),
        group: rule.capture,
        checks,
        extent: Extent::Pattern,
        rank: if matches!(anchors.first(), Some((_, Beside::Near(_)))) {
            GENERIC
        } else {
            SPECIFIC
        },
        compiled: OnceLock::new(),
        scanned: AtomicUsize::new(0),
        id: rule.id,
    })
}

/// A pattern that ends at the boundary of a word also ends before what is no part of a token: a secret
/// may end in a hyphen.
fn ends_anywhere(pattern: String) -> String {
    match pattern.strip_suffix(r"\b") {
        Some(rest) => rest.to_owned() + r"(?:\b|[^A-Za-z0-9_-]|$)",
        None => pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_set_is_taken_over_or_left_out_for_a_reason() {
        for rule in nosecrets_rules::load_builtin_rules().unwrap() {
            match usage(&rule.id) {
                Some(Use::With(anchors, ..)) => assert!(!anchors.is_empty(), "{}", rule.id),
                Some(Use::Not(reason)) => assert!(!reason.is_empty(), "{}", rule.id),
                None => panic!("{} is new: say how it is used", rule.id),
            }
        }
    }
}
