//! Secrets known by the name beside them: headers, assignments, options of a command line. The name may
//! also be the key of an attribute.

use super::{BuiltIn, GENERIC, PLACE};
use crate::rule::{Beside, Extent};

const WHOLE: &[&str] = &[""];
const WORD: &[&str] = &["ord", "d"];
const WORD_UPPER: &[&str] = &["ORD", "D"];
const PLURAL: &[&str] = &["", "s"];
const PLURAL_UPPER: &[&str] = &["", "S"];

/// Where a name of a secret ends.
const NAMES: &[(&str, Beside)] = &[
    ("assw", Beside::Name(WORD)),
    ("ASSW", Beside::Name(WORD_UPPER)),
    ("assphrase", Beside::Name(WHOLE)),
    ("ASSPHRASE", Beside::Name(WHOLE)),
    ("pwd", Beside::Name(WHOLE)),
    ("Pwd", Beside::Name(WHOLE)),
    ("ecret", Beside::Name(WHOLE)),
    ("ECRET", Beside::Name(WHOLE)),
    ("oken", Beside::Name(WHOLE)),
    ("OKEN", Beside::Name(WHOLE)),
    ("_key", Beside::Name(WHOLE)),
    ("_KEY", Beside::Name(WHOLE)),
    ("-key", Beside::Name(WHOLE)),
    ("-Key", Beside::Name(WHOLE)),
    ("-KEY", Beside::Name(WHOLE)),
    ("pikey", Beside::Name(WHOLE)),
    ("PIKEY", Beside::Name(WHOLE)),
    ("Key", Beside::Name(WHOLE)),
    ("evice_code", Beside::Name(WHOLE)),
    ("redential", Beside::Name(PLURAL)),
    ("REDENTIAL", Beside::Name(PLURAL_UPPER)),
];

pub(super) const RULES: &[BuiltIn] = &[
    BuiltIn {
        id: "authorization-header",
        brief: "Value of an Authorization header",
        pattern: r#"(?i)\bauthorization["']?\]?[ \t]{0,4}[:=][ \t]{0,4}["']?(?:(?:bearer|basic|token|digest|negotiate|apikey|api-key|key)[ \t]{1,4})?([A-Za-z0-9._~+/=:-]{6,})"#,
        anchors: &[("uthorization", Beside::Name(WHOLE)), ("UTHORIZATION", Beside::Name(WHOLE))],
        rank: PLACE,
        literal: true,
        matches: &[
            "Authorization: Bearer {base64url:40}",
            "curl -H 'authorization: Basic {base64:24}=='",
            r#""Authorization": "token {hex:40}""#,
        ],
        rejects: &["Authorization: Bearer $TOKEN", "authorization code", "Authorization: Basic"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "bearer-token",
        brief: "Bearer token outside a header",
        pattern: r"(?i)\bbearer[ \t+]{1,4}([A-Za-z0-9._~+/-]{16,}={0,2})",
        anchors: &[("earer", Beside::Space), ("EARER", Beside::Space)],
        rank: PLACE,
        entropy: 3.0,
        mixed: true,
        literal: true,
        matches: &["Bearer {base64url:40}"],
        rejects: &["Bearer tokens-are-described-in", "bearer of bad news"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "cookie",
        brief: "Value of a Cookie or Set-Cookie header",
        pattern: r#"(?i)\bcookie["']?\]?[ \t]{0,4}[:=][ \t]{0,4}["']?([A-Za-z0-9_.$-]{1,64}=[^\r\n"'\\>=][^\r\n"'\\]{5,})"#,
        anchors: &[("ookie", Beside::Name(WHOLE)), ("OOKIE", Beside::Name(WHOLE))],
        rank: PLACE,
        extent: Extent::Line,
        literal: true,
        matches: &[
            "Cookie: sid={alnum:32}; theme=dark",
            "Set-Cookie: session={base64url:60}; Path=/",
        ],
        rejects: &["cookie: yes", "Cookie: a=b", "cookie:t=>t.render()", "cookie: a == b.cookie"],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "env-assignment",
        brief: "Secret in an environment variable or .env file",
        pattern: r#"\b[A-Z][A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|_KEY|APIKEY|CREDENTIALS?)[ \t]{0,2}=[ \t]{0,2}["']?([^\s"'`]{8,})"#,
        anchors: NAMES,
        rank: GENERIC,
        chosen: true,
        literal: true,
        matches: &[
            "DB_PASSWORD=Tr0ub4dor&3x",
            "export SECRET_KEY=\"{alnum:50}\"",
            "STRIPE_API_KEY={alnum:24}\nPORT=80",
        ],
        rejects: &[
            "DB_PASSWORD=$OTHER_SECRET",
            "API_KEY=",
            "SORT_KEY=updated_at",
            "GITHUB_TOKEN=<your token>",
            "MAX_TOKEN=4096",
        ],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "secret-assignment",
        brief: "Value beside the name of a secret: JSON, YAML, source code, URL, attribute",
        pattern: r#"(?i)(?:passw(?:or)?d|passphrase|\bpwd|secret|token|(?:api|access|secret|private|account|encryption|signing|auth|storage|master|shared|subscription|service|webhook|deploy|session)[_-]?key|device_code|credentials?)["'`]?\]?[ \t\r\n]{0,4}(?:=>|:=|==?|:)[ \t]{0,4}["'`]{0,3}([^\s"'`,;&]{8,})"#,
        anchors: NAMES,
        rank: GENERIC,
        chosen: true,
        literal: true,
        matches: &[
            r#"{"password": "{alnum:16}"}"#,
            "client_secret={alnum:32}&x=y",
            "apiKey: '{alnum:32}'",
            "x-api-key: {base64url:40}",
        ],
        rejects: &[
            "token = get_token(request)",
            "password: str",
            r#""token": "input_token_count""#,
            "secret: ${{ secrets.DEPLOY }}",
            "token: TokenStream2::new",
            "primary_key=user_id_2",
        ],
        ..BuiltIn::PLAIN
    },
    BuiltIn {
        id: "command-line-secret",
        brief: "Secret as an option of a command",
        pattern: r#"(?i)--[a-z0-9-]{0,30}(?:password|passwd|passphrase|secret|token|api-?key|access-?key|secret-?key|private-?key)[ =]{1,2}["']?([^\s"'`-][^\s"'`]{7,})"#,
        anchors: NAMES,
        rank: GENERIC,
        chosen: true,
        literal: true,
        matches: &["login --password {alnum:12}", "deploy --auth-token={base64url:40}"],
        rejects: &["--token $TOKEN", "--max-token 4096", "--password-stdin"],
        ..BuiltIn::PLAIN
    },
];
