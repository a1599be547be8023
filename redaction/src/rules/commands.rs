//! Passwords where a command, a file or a statement has them without a name beside them.

use super::{BuiltIn, PLACE};
use crate::rule::Beside;

pub(super) const RULES: &[BuiltIn] = &[
    BuiltIn {
        id: "command-login",
        brief: "Password that a command is given to log in with: curl -u, mysql -p, sshpass -p, docker login -p, redis-cli -a",
        pattern: r#"(?:\bcurl\b[^\r\n|;]{0,120}?[ \t](?:-u|-U|--user|--proxy-user)[ =]?["']?[^\s:"'$]{1,64}:|\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n|;]{0,120}?[ \t]-p["']?|\bsshpass[ \t]{1,4}-p[ \t]{0,4}["']?|\bdocker[ \t]{1,4}login\b[^\r\n|;]{0,120}?[ \t]-p[ \t=]?["']?|\bredis-cli\b[^\r\n|;]{0,120}?[ \t]-a[ \t]["']?)([^\s"'$<@-][^\s"'@]{3,})"#,
        anchors: &[
            ("curl", Beside::Near(&["-u", "--proxy-user"])),
            ("mysql", Beside::Near(&["-p"])),
            ("mariadb", Beside::Near(&["-p"])),
            ("sshpass", Beside::SpaceNear(&["-p"])),
            ("docker", Beside::SpaceNear(&["login"])),
            ("redis-cli", Beside::Near(&["-a"])),
        ],
        rank: PLACE,
        chosen: true,
        literal: true,
        matches: &[
            "curl -sS -u admin:{alnum:14} https://x",
            "mysql -h db -u root -p{alnum:14} app",
            "sshpass -p '{alnum:14}' ssh host",
            "docker login -u bot -p {alnum:20} registry",
            "redis-cli -h cache -a {alnum:20} ping",
        ],
        rejects: &[
            "curl -u $USER:$PASS https://x",
            "mysql -p app",
            "mysql -h db -P 3306",
            "docker run -p 8080:80 login",
            "sshpass -e ssh host",
        ],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "netrc-password",
        brief: "Password in a .netrc file",
        pattern: r"\blogin[ \t\r\n]{1,4}[^\s]{1,128}[ \t\r\n]{1,4}password[ \t\r\n]{1,4}([^\s]{4,})",
        anchors: &[("login", Beside::SpaceNear(&["password"]))],
        rank: PLACE,
        chosen: true,
        literal: true,
        matches: &["machine git.internal login bot password {alnum:20}"],
        rejects: &["login and password are needed", "login form password field"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "sql-password",
        brief: "Password in an SQL statement",
        pattern: r#"(?i)(?:\bidentified[ \t]{1,4}(?:with[ \t]{1,4}[^\s]{1,64}[ \t]{1,4})?by[ \t]{1,4}|\bpassword )["']([^"'\s]{6,})["']"#,
        anchors: &[
            ("DENTIFIED", Beside::Near(&["by"])),
            ("dentified", Beside::Near(&["by"])),
            (
                "ASSWORD",
                Beside::Near(&[
                    "password '",
                    "password \"",
                    "password \\",
                    "password %",
                    "password%20",
                ]),
            ),
            (
                "assword",
                Beside::Near(&[
                    "password '",
                    "password \"",
                    "password \\",
                    "password %",
                    "password%20",
                ]),
            ),
        ],
        rank: PLACE,
        chosen: true,
        literal: true,
        matches: &[
            "CREATE USER 'app'@'%' IDENTIFIED BY '{alnum:14}';",
            "ALTER ROLE app WITH LOGIN PASSWORD '{alnum:14}';",
        ],
        rejects: &["IDENTIFIED BY '<password>'", "password 'field' is required"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "xml-password",
        brief: "Password in an XML element",
        pattern: r"(?i)<[a-z0-9_.:-]{0,40}(?:password|passwd|passphrase)>[ \t\r\n]{0,8}([^<>\s]{6,})[ \t\r\n]{0,8}</",
        anchors: &[
            ("assw", Beside::Near(&["password>", "passwd>", "password\\u003e", "password%3e"])),
            ("ASSW", Beside::Near(&["password>", "passwd>", "password\\u003e", "password%3e"])),
            ("assphrase", Beside::Near(&["passphrase>", "passphrase\\u003e", "passphrase%3e"])),
        ],
        rank: PLACE,
        chosen: true,
        literal: true,
        matches: &["<server><password>{alnum:16}</password></server>"],
        rejects: &["<password>${env.PASSWORD}</password>", "<password></password>"],
        ..BuiltIn::PLAIN
    },
];
