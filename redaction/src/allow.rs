//! What looks like a secret and is none, and the checks that its patterns must pass before they are used:
//! one that is too wide would let secrets through.

use regex::bytes::{Regex, RegexSet};

use crate::Error;
use crate::configuration::Allow;

/// Everything that is left alone, each for a whole secret; none where nothing is.
pub(crate) fn patterns(allow: &Allow) -> Result<Option<RegexSet>, Error> {
    let error = |name: &str, reason: &str| Error::configuration(format!("allow.{name}"), reason);
    let values = allow.values.iter().map(|value| format!("^{}$", regex::escape(value)));
    let mut all: Vec<String> = values.collect();
    for (index, pattern) in allow.patterns.iter().enumerate() {
        let pattern = format!("^(?:{pattern})$");
        let field = format!("patterns[{index}]");
        let regex = Regex::new(&pattern).map_err(|reason| error(&field, &reason.to_string()))?;
        if !allow.matches.iter().any(|example| regex.is_match(example.as_bytes())) {
            return Err(error(&field, "leaves none of the examples in `matches` alone"));
        }
        all.push(pattern);
    }
    if !allow.patterns.is_empty() && allow.rejects.is_empty() {
        return Err(error("rejects", "must have an example of what is taken out all the same"));
    }
    let set = RegexSet::new(&all).map_err(|reason| error("patterns", &reason.to_string()))?;
    for (name, examples, expected, reason) in [
        ("matches", &allow.matches, true, "is not left alone"),
        ("rejects", &allow.rejects, false, "is left alone"),
    ] {
        for (index, example) in examples.iter().enumerate() {
            if set.is_match(example.as_bytes()) != expected {
                return Err(error(&format!("{name}[{index}]"), reason));
            }
        }
    }
    Ok((!all.is_empty()).then_some(set))
}
