//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

use super::histogram::Snapshot;

/// Content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Names and values of labels.
type Labels<'a> = &'a [(&'a str, &'a str)];

/// Writes metrics; each family is begun once and followed by its samples.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
    /// Name of the family that was begun last.
    family: &'static str,
}

impl Exposition {
    /// Begins a family of counters; `name` ends with `_total`.
    pub(crate) fn counter(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.begin(name, help, "counter")
    }

    /// Begins a family of gauges.
    pub(crate) fn gauge(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.begin(name, help, "gauge")
    }

    fn begin(&mut self, name: &'static str, help: &str, kind: &str) -> &mut Self {
        self.family = name;
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self
    }

    /// A sample of the family that was begun last, with a whole value.
    pub(crate) fn count(&mut self, labels: Labels<'_>, value: u64) -> &mut Self {
        self.sample("", labels, &value.to_string());
        self
    }

    /// The same, with any value.
    pub(crate) fn value(&mut self, labels: Labels<'_>, value: f64) -> &mut Self {
        self.sample("", labels, &value.to_string());
        self
    }

    /// A whole family that is one histogram, in seconds.
    pub(crate) fn histogram(&mut self, name: &'static str, help: &str, snapshot: &Snapshot) {
        self.begin(name, help, "histogram");
        for (bound, count) in &snapshot.buckets {
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
            self.sample("_bucket", &[("le", &bound)], &count.to_string());
        }
        self.sample("_sum", &[], &snapshot.sum.to_string());
        self.sample("_count", &[], &snapshot.count().to_string());
    }

    fn sample(&mut self, suffix: &str, labels: Labels<'_>, value: &str) {
        self.text.push_str(self.family);
        self.text.push_str(suffix);
        for (index, (name, value)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{before}{name}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// Everything that was written.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_help_are_escaped() {
        let mut exposition = Exposition::default();
        exposition.counter("a_total", "Back\\slash\nline").count(&[("l", "a\"b\\c\nd")], 3);
        exposition.gauge("b", "B").value(&[], 1.5);
        let expected = "# HELP a_total Back\\\\slash\\nline\n# TYPE a_total counter\n\
                        a_total{l=\"a\\\"b\\\\c\\nd\"} 3\n# HELP b B\n# TYPE b gauge\nb 1.5\n";
        assert_eq!(exposition.finish(), expected);
    }
}
