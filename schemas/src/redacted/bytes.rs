//! [`Redacted`] as the journal keeps it: the key id; the number of rules, and of each its id and token
//! type (empty: none); then runs until the end, each a number of records, a number of counts, and for
//! each of them an index into the rules and the count. Texts have their length in one byte before them;
//! numbers are LEB128. The version of the rules is kept elsewhere.

use super::{Redacted, RedactedRule, Run};
use crate::names::blotter::TokenType;

/// Most rules that are read: more than a collector can have.
const RULES: usize = 4096;

impl Redacted {
    /// What was found, in bytes; none at all where nothing was.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.rules.is_empty() {
            return bytes;
        }
        text(&self.key_id, &mut bytes);
        number(length(self.rules.len()), &mut bytes);
        for rule in &self.rules {
            text(&rule.id, &mut bytes);
            text(rule.token_type.map_or("", TokenType::as_str), &mut bytes);
        }
        // Records at the end in which nothing was found need not be told.
        let last = self.runs.iter().rposition(|run| !run.counts.is_empty()).map_or(0, |at| at + 1);
        for run in self.runs.iter().take(last) {
            number(run.records, &mut bytes);
            number(length(run.counts.len()), &mut bytes);
            for (rule, count) in &run.counts {
                number(*rule, &mut bytes);
                number(*count, &mut bytes);
            }
        }
        bytes
    }

    /// Reads what [`Redacted::to_bytes`] wrote; none where the bytes are something else.
    #[must_use]
    pub fn from_bytes(version: u16, mut bytes: &[u8]) -> Option<Self> {
        let mut redacted = Self { version, ..Self::default() };
        let rest = &mut bytes;
        if rest.is_empty() {
            return Some(redacted);
        }
        redacted.key_id = take_text(rest)?;
        let rules = take_count(rest, RULES)?;
        for _ in 0..rules {
            let id = take_text(rest)?;
            let token_type = take_text(rest)?;
            redacted
                .rules
                .push(RedactedRule { id, token_type: TokenType::from_value(&token_type) });
        }
        while !rest.is_empty() {
            let records = take_number(rest)?;
            let counts = take_count(rest, rules)?;
            let mut run = Run { records, counts: Vec::new() };
            for _ in 0..counts {
                let rule = take_number(rest)?;
                let known = usize::try_from(rule).is_ok_and(|rule| rule < rules);
                run.counts.push((known.then_some(rule)?, take_number(rest)?));
            }
            redacted.runs.push(run);
        }
        Some(redacted)
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn text(text: &str, bytes: &mut Vec<u8>) {
    let text = text.get(..text.floor_char_boundary(255)).unwrap_or_default();
    bytes.push(u8::try_from(text.len()).unwrap_or(0));
    bytes.extend_from_slice(text.as_bytes());
}

fn number(mut number: u32, bytes: &mut Vec<u8>) {
    while let low @ 0x80.. = number {
        bytes.push((low & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let (length, after) = rest.split_first()?;
    let (text, after) = after.split_at_checked(usize::from(*length))?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}

fn take_count(rest: &mut &[u8], limit: usize) -> Option<usize> {
    usize::try_from(take_number(rest)?).ok().filter(|count| *count <= limit)
}

fn take_number(rest: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u64;
    for shift in (0..35).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return u32::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> impl Strategy<Value = Vec<RedactedRule>> {
        let token_type = proptest::option::of(proptest::sample::select(TokenType::ALL));
        let rule = ("[a-z.-]{1,64}", token_type)
            .prop_map(|(id, token_type)| RedactedRule { id, token_type });
        proptest::collection::vec(rule, 1..20)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again_but_for_clean_records_at_the_end(
            (rules, runs) in rules().prop_flat_map(|rules| {
                let count = (0..rules.len() as u32, any::<u32>());
                let counts = proptest::collection::vec(count, 0..rules.len());
                let runs = proptest::collection::vec((any::<u32>(), counts), 0..20);
                (Just(rules), runs)
            }),
        ) {
            let runs = runs.into_iter().map(|(records, counts)| Run { records, counts }).collect();
            let mut redacted = Redacted { version: 7, key_id: "k1f".to_owned(), rules, runs };
            let bytes = redacted.to_bytes();
            while redacted.runs.last().is_some_and(|run| run.counts.is_empty()) {
                redacted.runs.pop();
            }
            prop_assert_eq!(Redacted::from_bytes(7, &bytes), Some(redacted));
        }

        #[test]
        fn any_bytes_are_read_or_refused_within_a_multiple_of_their_length(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Some(read) = Redacted::from_bytes(1, &bytes) {
                let counts: usize = read.runs.iter().map(|run| 1 + run.counts.len()).sum();
                prop_assert!(read.rules.len() + counts <= bytes.len());
            }
        }
    }

    #[test]
    fn nothing_found_takes_no_byte() {
        assert!(Redacted { version: 1, ..Redacted::default() }.to_bytes().is_empty());
    }
}
