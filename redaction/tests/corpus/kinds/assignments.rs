//! Secrets that only the name beside them gives away: assignments, options, files.

use super::super::random::*;
use super::{Kind, bare, within};

const DOTENV: &str = "github.com/motdotla/dotenv";
const JSON: &str = "RFC 8259";

/// A password as people make them up: a word, a number, a mark.
fn made_up(random: &mut Random) -> String {
    let words = [
        "Sunshine", "dragon", "Welcome", "monkey", "Football", "shadow", "Princess", "winter",
        "Autumn", "orange", "Hunter", "coffee", "Berlin", "purple", "Tiger", "pepper",
    ];
    let word = random.pick(&words).to_owned();
    let number = random.below(9990) + 10;
    let mark = random.pick(&["", "!", "#", "?", "*", "$", "@"]);
    if random.below(2) == 0 {
        format!("{word}{number}{mark}")
    } else {
        format!("{word}{mark}{number}")
    }
}

pub(super) fn kinds() -> Vec<Kind> {
    vec![
        Kind::new(".env password", DOTENV, |r| {
            within("PORT=80\nDB_PASSWORD={}\nDEBUG=1", r.text(SYMBOLS, 20))
        }),
        Kind::new(".env password, made up", DOTENV, |r| {
            within("PORT=80\nDB_PASSWORD={}\nDEBUG=1", made_up(r))
        }),
        Kind::new(".env password, quoted", DOTENV, |r| {
            within("MYSQL_ROOT_PASSWORD='{}'\n", r.text(ALNUM, 12))
        })
        .missed(3),
        Kind::new(".env secret key", DOTENV, |r| within("SECRET_KEY=\"{}\"", r.text(ALNUM, 50))),
        Kind::new(".env token", DOTENV, |r| within("export DEPLOY_TOKEN={}", r.text(HEX, 40))),
        Kind::new(".env api key", DOTENV, |r| within("ACME_API_KEY={}\n", r.text(ALNUM, 32))),
        Kind::new("json password", JSON, |r| {
            within(r#"{"user": "x", "password": "{}"}"#, r.text(ALNUM, 14))
        })
        .missed(2),
        Kind::new("json password, short", JSON, |r| {
            within(r#"{"user":"x","password":"{}"}"#, r.text(ALNUM, 8))
        })
        .missed(29),
        Kind::new("json password, made up", JSON, |r| {
            within(r#"{"user": "x", "password": "{}"}"#, made_up(r))
        }),
        Kind::new("json secret", JSON, |r| {
            within(r#"{"client_secret":"{}"}"#, r.text(BASE64URL, 32))
        }),
        Kind::new("yaml api key", "yaml.org", |r| {
            within("service:\n  api_key: {}\n", r.text(HEX, 32))
        }),
        Kind::new("yaml password", "yaml.org", |r| {
            within("db:\n  password: {}\n", r.text(ALNUM, 16))
        })
        .missed(1),
        Kind::new("toml password", "toml.io", |r| {
            within("[db]\npassword = \"{}\"\n", r.text(ALNUM, 16))
        })
        .missed(1),
        Kind::new("properties", "docs.oracle.com java.util.Properties", |r| {
            within("spring.datasource.password={}\n", r.text(ALNUM, 16))
        })
        .missed(1),
        Kind::new("kubernetes secret", "kubernetes.io/docs/concepts/configuration/secret", |r| {
            let value = base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                r.text(ALNUM, 18),
            );
            within("kind: Secret\ndata:\n  password: {}\n", value)
        }),
        Kind::new("xml password", "maven.apache.org/settings.html", |r| {
            within("<server><id>x</id><password>{}</password></server>", r.text(ALNUM, 16))
        })
        .missed(1),
        Kind::new("option of a command", "POSIX utility conventions", |r| {
            within("deploy --api-token {} --verbose", r.text(ALNUM, 32))
        }),
        Kind::new("password option", "POSIX utility conventions", |r| {
            within("login --user a --password={} --now", r.text(ALNUM, 14))
        })
        .missed(1),
        Kind::new("password option, made up", "POSIX utility conventions", |r| {
            within("login --user a --password {} --now", made_up(r))
        })
        .missed(1),
        Kind::new("curl -u", "curl.se/docs/manpage.html", |r| {
            within("curl -sS -u admin:{} https://api.internal/x", r.text(ALNUM, 14))
        }),
        Kind::new("mysql -p", "dev.mysql.com/doc/refman/8.4/en/connecting.html", |r| {
            within("mysql -h db -u root -p{} app", r.text(ALNUM, 14))
        }),
        Kind::new("sshpass", "man sshpass", |r| {
            within("sshpass -p '{}' ssh host", r.text(ALNUM, 14))
        })
        .missed(2),
        Kind::new("docker login", "docs.docker.com/reference/cli/docker/login", |r| {
            within("docker login -u bot -p {} registry.internal", r.text(ALNUM, 20))
        }),
        Kind::new("redis-cli -a", "redis.io/docs/cli", |r| {
            within("redis-cli -h cache -a {} ping", r.text(ALNUM, 20))
        }),
        Kind::new("PGPASSWORD", "postgresql.org/docs/current/libpq-envars.html", |r| {
            within("PGPASSWORD={} psql -h db -U app", r.text(ALNUM, 14))
        })
        .missed(1),
        Kind::new(".netrc", "gnu.org inetutils .netrc", |r| {
            within("machine git.internal login bot password {}\n", r.text(ALNUM, 20))
        })
        .missed(1),
        Kind::new("sql identified by", "dev.mysql.com/doc/refman/8.4/en/create-user.html", |r| {
            within("CREATE USER 'app'@'%' IDENTIFIED BY '{}';", r.text(ALNUM, 14))
        })
        .missed(2),
        Kind::new("sql password", "postgresql.org/docs/current/sql-createrole.html", |r| {
            within("ALTER ROLE app WITH LOGIN PASSWORD '{}';", r.text(ALNUM, 14))
        })
        .missed(3),
        Kind::new("age secret key", "age-encryption.org", |r| {
            bare(format!("AGE-SECRET-KEY-1{}", r.text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)))
        }),
    ]
}
