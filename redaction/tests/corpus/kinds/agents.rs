//! Credentials of agents, model providers and OAuth.

use base64::Engine as _;

use super::super::random::*;
use super::{Kind, bare, within};

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

/// An opaque token as Ory's OAuth server writes it: entropy, a dot, a signature.
fn opaque(random: &mut Random) -> String {
    format!("{}.{}", random.text(BASE64URL, 43), random.text(BASE64URL, 43))
}

const ANTHROPIC: &str = "docs.claude.com/en/api; github.com/gitleaks/gitleaks anthropic rules";
const OPENAI: &str =
    "platform.openai.com/docs/api-reference/authentication; openrouter.ai/docs secret-formats";
const ORY: &str = "github.com/ory/hydra/issues/2845; github.com/ory/fosite token/hmac";

pub(super) fn kinds() -> Vec<Kind> {
    vec![
        Kind::new("anthropic api key", ANTHROPIC, |r| {
            bare(format!("sk-ant-api03-{}AA", r.text(BASE64URL, 93)))
        })
        .base64(),
        Kind::new("anthropic administration key", ANTHROPIC, |r| {
            bare(format!("sk-ant-admin01-{}AA", r.text(BASE64URL, 93)))
        })
        .base64(),
        Kind::new("anthropic oauth", ANTHROPIC, |r| {
            let prefix = r.pick(&["oat01", "ort01"]);
            bare(format!("sk-ant-{prefix}-{}AA", r.text(BASE64URL, 93)))
        })
        .base64(),
        Kind::new("openai project key", OPENAI, |r| {
            let prefix = r.pick(&["proj", "svcacct", "admin"]);
            bare(format!("sk-{prefix}-{}T3BlbkFJ{}", r.text(BASE64URL, 74), r.text(BASE64URL, 74)))
        })
        .base64(),
        Kind::new("openai older key", OPENAI, |r| {
            bare(format!("sk-{}T3BlbkFJ{}", r.text(ALNUM, 20), r.text(ALNUM, 20)))
        })
        .base64(),
        Kind::new("provider sk key", "api-docs.deepseek.com", |r| {
            bare(format!("sk-{}", r.text(HEX, 32)))
        }),
        Kind::new("openrouter key", "openrouter.ai/docs secret-formats", |r| {
            bare(format!("sk-or-v1-{}", r.text(HEX, 64)))
        }),
        Kind::new("personal access token", "not published: the form is assumed", |r| {
            bare(format!("at-{}", r.text(BASE64URL, 43)))
        }),
        Kind::new("jwt", "RFC 7519", |r| bare(jwt(r))).base64(),
        Kind::new("oauth opaque token", ORY, |r| {
            let prefix = r.pick(&["ory_at_", "ory_rt_", "ory_ac_", "rt_", "ac_"]);
            bare(format!("{prefix}{}", opaque(r)))
        }),
        Kind::new("oauth code", "RFC 6749, 4.1.2", |r| {
            within(
                "http://localhost:1455/auth/callback?code={}&state=ok",
                format!("ac_{}", opaque(r)),
            )
        }),
        Kind::new("oauth code, google", "developers.google.com/identity/protocols/oauth2", |r| {
            within(
                "http://127.0.0.1:8085/?state=x&code={}&scope=y",
                format!("4/0A{}", r.text(BASE64URL, 70)),
            )
        }),
        Kind::new("oauth code verifier", "RFC 7636, 4.1", |r| {
            within(
                "grant_type=authorization_code&code_verifier={}&client_id=x",
                r.text(BASE64URL, 64),
            )
        }),
        Kind::new("oauth refresh, form", "RFC 6749, 6", |r| {
            within("grant_type=refresh_token&refresh_token={}&client_id=app", r.text(BASE64URL, 64))
        }),
        Kind::new("oauth refresh, json", "RFC 6749, 5.1", |r| {
            within(
                r#"{"token_type":"Bearer","expires_in":3600,"refresh_token":"{}","scope":"x"}"#,
                r.text(BASE64URL, 43),
            )
        }),
        Kind::new("oauth access, json", "RFC 6749, 5.1", |r| {
            within(r#"{"access_token": "{}", "token_type": "bearer"}"#, r.text(BASE64URL, 40))
        }),
        Kind::new("oauth device code", "RFC 8628, 3.2", |r| {
            within(
                r#"{"device_code":"{}","user_code":"WDJB-MJHT","interval":5}"#,
                r.text(BASE64URL, 40),
            )
        }),
        Kind::new("google refresh token", "developers.google.com/identity/protocols/oauth2", |r| {
            bare(format!("1//0{}", r.text(BASE64URL, 98)))
        }),
        Kind::new("groq key", "console.groq.com/docs", |r| {
            bare(format!("gsk_{}", r.text(ALNUM, 52)))
        }),
        Kind::new("xai key", "docs.x.ai", |r| bare(format!("xai-{}", r.text(ALNUM, 80)))),
        Kind::new("perplexity key", "docs.perplexity.ai", |r| {
            bare(format!("pplx-{}", r.text(ALNUM, 48)))
        }),
        Kind::new("hugging face token", "huggingface.co/docs/hub/security-tokens", |r| {
            bare(format!(
                "hf_{}",
                r.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 34)
            ))
        }),
    ]
}
