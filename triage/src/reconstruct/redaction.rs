//! What was redacted in a session.

use std::collections::{BTreeMap, BTreeSet};

use blotter_schemas::tables::Event;

use super::model::Redaction;

/// Adds up what the rows say; none where nothing was found and all rows, or none, were searched.
pub(crate) fn sum(rows: &[&Event]) -> Option<Redaction> {
    let mut sum = Redaction::default();
    let mut origins = BTreeSet::new();
    for row in rows {
        if row.redaction_version.is_none() {
            sum.rows_not_searched += 1;
        }
        // Rows derived from one span all say what was found in it.
        let counted = row.origin_id.is_some_and(|origin| !origins.insert(origin));
        let Some(redactions) = row.redactions.as_deref().filter(|_| !counted) else { continue };
        let counts: BTreeMap<String, u64> = serde_json::from_str(redactions).unwrap_or_default();
        for (rule, count) in counts {
            let of_rule = sum.rules.entry(rule).or_default();
            *of_rule = of_rule.saturating_add(count);
            sum.values = sum.values.saturating_add(count);
        }
    }
    let partly = sum.rows_not_searched > 0 && sum.rows_not_searched < rows.len();
    (sum.values > 0 || partly).then_some(sum)
}
