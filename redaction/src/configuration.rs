//! The configuration of redaction, as it stands in TOML or JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use blotter_schemas::names::blotter::TokenType;
use serde::{Deserialize, Serialize};

use crate::classes::Class;
use crate::fields::Mode;

/// What an operator can set. Every field has a default; an unknown field is an error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Configuration {
    /// File with the fingerprint keys. One file on every collector of a fleet makes a secret
    /// recognisable across the fleet. The collector chooses a place of its own where none is named.
    pub key_file: Option<PathBuf>,
    /// Mode by class: `prompts`, `outputs`, `arguments`, `bodies`.
    pub classes: BTreeMap<Class, Mode>,
    /// Mode by attribute key, in which `*` stands for anything; the last that matches wins, and wins
    /// over a class.
    pub fields: Vec<FieldMode>,
    /// Ids of built-in rules that are switched off.
    pub disable: Vec<String>,
    /// What looks like a secret and is none.
    pub allow: Allow,
    /// Further rules.
    pub rules: Vec<CustomRule>,
}

/// The mode of the attributes whose key matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMode {
    /// Attribute key; `*` stands for anything.
    pub key: String,
    /// What happens to its value.
    pub mode: Mode,
}

/// What looks like a secret and is none. Patterns are tried on the examples before they are used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allow {
    /// Exact secrets, as they stand in the text.
    pub values: Vec<String>,
    /// Regular expressions that the whole secret must match.
    pub patterns: Vec<String>,
    /// Secrets that are left alone: at least one for every pattern.
    pub matches: Vec<String>,
    /// Secrets that are taken out all the same: at least one where there are patterns.
    pub rejects: Vec<String>,
}

/// A rule from the configuration. It is tried on its examples before it is used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomRule {
    /// Id: letters, digits, `.`, `_`, `-`; it stands in marks.
    pub id: String,
    /// What it finds, for people.
    pub brief: String,
    /// Regular expression over bytes (syntax of the `regex` crate, ASCII classes). Repetitions without
    /// an upper bound end after 256.
    pub pattern: String,
    /// Group of the pattern that holds the secret; 0, the default, is the whole match.
    pub group: usize,
    /// Texts of which every match contains at least one, case and all, at least three of letters,
    /// digits, `.`, `_`, `-` each. Only where one of them stands is the pattern tried.
    pub anchors: Vec<String>,
    /// Look for it in Base64 too; anchors must then have four characters.
    pub base64: bool,
    /// Least entropy of the secret, bits per byte.
    pub entropy: f64,
    /// The secret must have at least two digits and two letters.
    pub mixed: bool,
    /// Type of credential, a value of `blotter.token.type`.
    pub token_type: Option<String>,
    /// Texts in which it must find a secret; at least one.
    pub matches: Vec<String>,
    /// Texts in which it must find none; at least one.
    pub rejects: Vec<String>,
}

impl CustomRule {
    pub(crate) fn token_type(&self) -> Result<Option<TokenType>, String> {
        let Some(name) = &self.token_type else {
            return Ok(None);
        };
        TokenType::from_value(name).map(Some).ok_or_else(|| {
            let known: Vec<&str> = TokenType::ALL.iter().map(|known| known.as_str()).collect();
            format!("must be one of {}", known.join(", "))
        })
    }
}
