//! Counting tests from what the test runners print at their end.

/// Tests counted so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, timed out or could not be started.
    pub(crate) failed: u64,
}

impl Tally {
    /// Adds what a line says, where it is the summary of `cargo nextest` or of `cargo test`.
    pub(crate) fn read(&mut self, line: &str) {
        // What a test itself printed is shown indented, and counts nothing: its runner counts it.
        let counts = if let Some(rest) = line.trim_start().strip_prefix("Summary [") {
            rest.split_once("run:").map(|(_, counts)| (counts, ','))
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            rest.split_once(". ").map(|(_, counts)| (counts, ';'))
        } else {
            None
        };
        let Some((counts, separator)) = counts else { return };
        for count in counts.split(separator) {
            // "12 passed (2 slow)", "1 timed out"
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed" | "timed" | "exec") => self.failed += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn a_nextest_summary_counts_every_way_to_fail() {
        let line = "     Summary [  12.345s] 10/11 tests run: 5 passed (1 slow), 2 failed, 1 timed out, 2 exec failed, 3 skipped";
        assert_eq!(tally(&[line]), Tally { passed: 5, failed: 5 });
    }

    #[test]
    fn the_results_of_several_test_programs_add_up() {
        let lines = [
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ];
        assert_eq!(tally(&lines), Tally { passed: 4, failed: 2 });
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            tally(&["test foo ... ok", "5 passed, 1 failed", "Summary [", ""]),
            Tally::default()
        );
    }
}
