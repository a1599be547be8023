//! What redaction did to the records of one request: made where the request is redacted, kept beside it
//! in the journal, and written into the custody columns of its rows.

mod bytes;

use crate::names::blotter::TokenType;

/// What redaction did to the records of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// Version of the rules that the request was searched with; 0 where it was not searched.
    pub version: u16,
    /// Key that the fingerprints were made with; empty where nothing was found.
    pub key_id: String,
    /// The rules that found something, in order of their ids.
    pub rules: Vec<RedactedRule>,
    /// Records in request order; in those after the last run nothing was found.
    pub runs: Vec<Run>,
}

/// A rule that found something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactedRule {
    /// Its id, as it stands in marks.
    pub id: String,
    /// Type of the credentials it finds, where they have one.
    pub token_type: Option<TokenType>,
}

/// Records one after the other in which the same was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How many records.
    pub records: u32,
    /// What was found in each, its resource and scope included: index into [`Redacted::rules`] in
    /// rising order, and how often.
    pub counts: Vec<(u32, u32)>,
}

/// What was found in one record, as its row says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// JSON object of rule id to count; none where nothing was found.
    pub(crate) redactions: Option<String>,
    /// The type of credential that was found, where it was one.
    pub(crate) token_type: Option<TokenType>,
}

impl Redacted {
    /// Adds the next record and what was found in it.
    pub fn push(&mut self, counts: Vec<(u32, u32)>) {
        match self.runs.last_mut() {
            Some(last) if last.counts == counts && last.records < u32::MAX => last.records += 1,
            _ => self.runs.push(Run { records: 1, counts }),
        }
    }

    fn found(&self, run: &Run) -> Found {
        let mut json = String::new();
        let mut types: Vec<TokenType> = Vec::new();
        for (index, count) in &run.counts {
            let rule = usize::try_from(*index).ok().and_then(|index| self.rules.get(index));
            let Some(rule) = rule else { continue };
            json.push(if json.is_empty() { '{' } else { ',' });
            crate::otlp::json::push_string(&mut json, &rule.id);
            json.push_str(&format!(":{count}"));
            types.extend(rule.token_type.filter(|found| !types.contains(found)));
        }
        let token_type = match types.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        if !json.is_empty() {
            json.push('}');
        }
        Found { redactions: Some(json).filter(|json| !json.is_empty()), token_type }
    }
}

/// Goes through the records of a request.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    redacted: &'a Redacted,
    next_run: usize,
    left: u32,
    found: Found,
}

impl<'a> Records<'a> {
    pub(crate) fn new(redacted: &'a Redacted) -> Self {
        Self { redacted, next_run: 0, left: 0, found: Found::default() }
    }

    /// What was found in the next record.
    pub(crate) fn take_next(&mut self) -> Found {
        while self.left == 0 {
            let Some(run) = self.redacted.runs.get(self.next_run) else {
                return Found::default();
            };
            self.next_run += 1;
            self.left = run.records;
            self.found = self.redacted.found(run);
        }
        self.left -= 1;
        self.found.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, token_type: Option<TokenType>) -> RedactedRule {
        RedactedRule { id: id.to_owned(), token_type }
    }

    #[test]
    fn each_record_is_told_what_was_found_in_it_and_those_after_the_last_nothing() {
        let mut redacted = Redacted {
            version: 1,
            key_id: "k1".to_owned(),
            rules: vec![rule("jwt", Some(TokenType::Jwt)), rule("pem", None)],
            runs: Vec::new(),
        };
        redacted.push(Vec::new());
        redacted.push(vec![(0, 2)]);
        redacted.push(vec![(0, 2)]);
        redacted.push(vec![(0, 1), (1, 3)]);
        assert_eq!(redacted.runs.len(), 3);
        let mut records = Records::new(&redacted);
        let told: Vec<_> =
            (0..6).map(|_| records.take_next().redactions.unwrap_or_default()).collect();
        assert_eq!(told, ["", r#"{"jwt":2}"#, r#"{"jwt":2}"#, r#"{"jwt":1,"pem":3}"#, "", ""]);
    }

    #[test]
    fn the_type_of_a_credential_is_told_where_there_was_one_type_only() {
        let mut redacted = Redacted {
            rules: vec![
                rule("jwt", Some(TokenType::Jwt)),
                rule("pat", Some(TokenType::PersonalAccessToken)),
                rule("pem", None),
            ],
            ..Redacted::default()
        };
        redacted.push(vec![(0, 1), (2, 1)]);
        redacted.push(vec![(0, 1), (1, 1)]);
        let mut records = Records::new(&redacted);
        assert_eq!(records.take_next().token_type, Some(TokenType::Jwt));
        assert_eq!(records.take_next().token_type, None);
    }
}
