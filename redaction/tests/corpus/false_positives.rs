//! How often something harmless is taken for a secret.

use super::{Random, redactor};

/// What is taken for a secret in the texts, printed by name; a text is one line or value.
pub fn false_positives(name: &str, texts: &[String]) -> f64 {
    let redactor = redactor();
    let mut found = Vec::new();
    for text in texts {
        if let Some(redacted) = redactor.redact_text(text) {
            found.push(redacted);
        }
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{name}: {} of {} texts, {:.2} per MB of {megabytes:.2} MB",
        found.len(),
        texts.len(),
        found.len() as f64 / megabytes
    );
    for text in found.iter().take(24) {
        let at = text.find("[redacted:").unwrap_or(0);
        let from = text.floor_char_boundary(at.saturating_sub(60));
        let to = text.floor_char_boundary(text.len().min(at + 80));
        println!("    {}", text[from..to].escape_debug());
    }
    found.len() as f64 / texts.len() as f64
}

/// Texts made at random, the same in every run.
pub fn generated(count: usize, make: impl Fn(&mut Random) -> String) -> Vec<String> {
    let mut random = Random::new(11);
    (0..count).map(|_| make(&mut random)).collect()
}
