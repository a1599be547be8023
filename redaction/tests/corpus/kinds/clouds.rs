//! Keys of clouds, and connection strings.

use base64::Engine as _;

use super::super::random::*;
use super::{Kind, Sample, bare, within};

const AWS: &str = "docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html";
const GCP: &str = "cloud.google.com/docs/authentication/api-keys; developers.google.com/identity";
const AZURE: &str = "learn.microsoft.com/purview/sit-defn-azure-storage-account-key";
const URL: &str = "RFC 3986, 3.2.1";

fn key_of(random: &mut Random, bytes: usize) -> String {
    base64::engine::general_purpose::STANDARD.encode(random.bytes(bytes))
}

fn akia(random: &mut Random) -> String {
    let prefix = random.pick(&["AKIA", "ASIA"]);
    format!("{prefix}{}", random.text(BASE32, 16))
}

pub(super) fn kinds() -> Vec<Kind> {
    vec![
        Kind::new("aws access key id", AWS, |r| bare(akia(r))).base64(),
        Kind::new("aws secret by name", AWS, |r| {
            within("[default]\naws_secret_access_key = {}\nregion = x", r.text(BASE64, 40))
        }),
        Kind::new("aws secret by variable", AWS, |r| {
            within("export AWS_SECRET_ACCESS_KEY={}\n", r.text(BASE64, 40))
        }),
        Kind::new("aws secret, json", AWS, |r| {
            within(
                r#"{"Credentials":{"SecretAccessKey":"{}","SessionToken":""}}"#,
                r.text(BASE64, 40),
            )
        }),
        Kind::new("aws secret by id", AWS, |r| {
            let id = akia(r);
            within(&format!("{id},{{}}\n"), r.text(BASE64, 40))
        }),
        Kind::new("aws session token", AWS, |r| {
            within(
                "export AWS_SESSION_TOKEN={}",
                format!("IQoJb3JpZ2luX2Vj{}", r.text(BASE64, 600)),
            )
        }),
        Kind::new("aws sts token", AWS, |r| {
            bare(format!("IQoJb3JpZ2luX2Vj{}", r.text(BASE64, 600)))
        }),
        Kind::new("gcp api key", GCP, |r| bare(format!("AIza{}", r.text(BASE64URL, 35)))).base64(),
        Kind::new("gcp access token", GCP, |r| bare(format!("ya29.{}", r.text(BASE64URL, 180))))
            .base64(),
        Kind::new("gcp client secret", GCP, |r| bare(format!("GOCSPX-{}", r.text(BASE64URL, 28)))),
        Kind::new("gcp service account", GCP, |r| {
            let body = key_of(r, 1218);
            within(
                r#"{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n","client_email":"x"}"#,
                body,
            )
        }),
        Kind::new("azure storage key", AZURE, |r| {
            let text = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=core.windows.net";
            within(text, key_of(r, 64))
        }),
        Kind::new("azure service bus", "learn.microsoft.com/azure/service-bus-messaging", |r| {
            let text = "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={}";
            within(text, key_of(r, 32))
        }),
        Kind::new("azure cosmos", "learn.microsoft.com/azure/cosmos-db", |r| {
            within(
                "AccountEndpoint=https://x.documents.azure.com:443/;AccountKey={};",
                key_of(r, 64),
            )
        }),
        Kind::new("azure client secret", "learn.microsoft.com/purview client secret", |r| {
            bare(format!("{}8Q~{}", r.text(ALNUM, 3), r.text(BASE64URL, 34)))
        }),
        Kind::new(
            "azure devops token",
            "learn.microsoft.com/azure/devops personal access tokens",
            |r| bare(format!("{}AZDO{}", r.text(ALNUM, 76), r.text(ALNUM, 4))),
        ),
        Kind::new(
            "azure sas",
            "learn.microsoft.com/rest/api/storageservices/create-service-sas",
            |r| {
                let signature =
                    key_of(r, 32).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
                within("https://a.blob.core.windows.net/c?sv=2024-11-04&sig={}&se=2030", signature)
            },
        ),
        Kind::new("digitalocean token", "docs.digitalocean.com/reference/api", |r| {
            let prefix = r.pick(&["dop_v1_", "doo_v1_", "dor_v1_"]);
            bare(format!("{prefix}{}", r.text(HEX, 64)))
        }),
        Kind::new("cloudflare token by name", "developers.cloudflare.com/fundamentals/api", |r| {
            within("CLOUDFLARE_API_TOKEN={}\n", r.text(BASE64URL, 40))
        }),
        Kind::new("heroku key", "devcenter.heroku.com/articles/authentication", |r| {
            bare(format!("HRKU-AA{}", r.text(BASE64URL, 58)))
        }),
        Kind::new("postgres url", URL, |r| {
            within("DATABASE=postgres://app:{}@db.internal:5432/app", r.text(ALNUM, 20))
        }),
        Kind::new("sqlalchemy url", URL, |r| {
            within("create_engine('postgresql+psycopg2://app:{}@db/app')", r.text(ALNUM, 12))
        }),
        Kind::new("mongodb url", URL, |r| {
            within("mongodb+srv://svc:{}@cluster0.example.net/x?w=1", r.text(ALNUM, 16))
        }),
        Kind::new("redis url", URL, |r| within("redis://:{}@cache:6379/0", r.text(HEX, 32))),
        Kind::new("amqp url, escaped", URL, |r| {
            let secret: String = r.text(SYMBOLS, 14).replace('#', "%23").replace('%', "%25");
            within("amqp://app:{}@mq.internal:5672/%2Fvhost", secret)
        }),
        Kind::new("smtp url", URL, |r| {
            within("smtps://robot:{}@mail.internal:465", r.text(ALNUM, 12))
        }),
        Kind::new("https url with login", URL, |r| {
            within("git clone https://bot:{}@git.internal/a.git", r.text(ALNUM, 24))
        }),
        Kind::new("https url with token", URL, |r| {
            within("git remote add o https://x-access-token:{}@git.internal/a.git", r.text(HEX, 40))
        }),
        Kind::new("jdbc url", "jdbc.postgresql.org/documentation/use", |r| {
            within("jdbc:postgresql://db:5432/app?user=app&password={}&ssl=true", r.text(ALNUM, 14))
        }),
        Kind::new("odbc string", "learn.microsoft.com/sql/odbc connection strings", |r| {
            let secret = r.text(SYMBOLS, 18);
            Sample { text: format!("Server=db;User Id=sa;Password={secret};Encrypt=yes"), secret }
        }),
        Kind::new(
            "odbc string, short name",
            "learn.microsoft.com/sql/odbc connection strings",
            |r| within("Driver=ODBC;Uid=sa;Pwd={};Trusted=no", r.text(ALNUM, 12)),
        )
        .missed(3),
    ]
}
