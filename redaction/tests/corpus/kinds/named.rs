//! Keys without a form of their own, told by the name of their service in the text around them, and keys
//! of services whose form is seen nowhere else.

use super::super::random::*;
use super::{Kind, bare, within};

fn uuid(random: &mut Random) -> String {
    [8, 4, 4, 4, 12].map(|length| random.text(HEX, length)).join("-")
}

pub(super) fn kinds() -> Vec<Kind> {
    vec![
        Kind::new(
            "cloudflare token, in a sentence",
            "developers.cloudflare.com/fundamentals/api/get-started/create-token",
            |r| within("the cloudflare token {} is for DNS", r.text(BASE64URL, 40)),
        ),
        Kind::new(
            "cloudflare global key",
            "developers.cloudflare.com/fundamentals/api/get-started/keys",
            |r| within("the Cloudflare global API key {} is old", r.text(HEX, 37)),
        ),
        Kind::new(
            "cloudflare origin ca key",
            "developers.cloudflare.com/fundamentals/api/get-started/ca-keys",
            |r| bare(format!("v1.0-{}-{}", r.text(HEX, 24), r.text(HEX, 146))),
        ),
        Kind::new("netlify token", "docs.netlify.com/api/get-started", |r| {
            within("log in to netlify, token {} as before", format!("nfp_{}", r.text(ALNUM, 36)))
        }),
        Kind::new(
            "heroku key, in a sentence",
            "devcenter.heroku.com/articles/authentication",
            |r| within("the heroku token {} was rotated", uuid(r)),
        ),
        Kind::new("vercel token", "vercel.com/docs/rest-api", |r| {
            within("deploy to vercel, token {} as before", r.text(ALNUM, 24))
        })
        .missed(1),
        Kind::new("railway token", "docs.railway.com/guides/public-api", |r| {
            within("deploy to railway, token {} as before", uuid(r))
        }),
        Kind::new("discord bot token", "discord.com/developers/docs/reference", |r| {
            let (id, secret) = (r.text(ALNUM, 25), r.text(BASE64URL, 37));
            let token = format!("M{id}.{}.{secret}x", r.text(ALNUM, 6));
            within("discord: client.run('{}')", token)
        }),
        Kind::new("paypal secret", "developer.paypal.com/api/rest/authentication", |r| {
            within("the paypal client secret {} is live", format!("E{}", r.text(BASE64URL, 79)))
        }),
        Kind::new("twilio token, in a sentence", "twilio.com/docs/iam/api-keys", |r| {
            within("the twilio auth token {} was leaked", r.text(HEX, 32))
        }),
        Kind::new("mailchimp key", "mailchimp.com/developer/marketing/guides/quick-start", |r| {
            let center = 1 + r.below(21);
            bare(format!("{}-us{center}", r.text(HEX, 32)))
        }),
    ]
}
