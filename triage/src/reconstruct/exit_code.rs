//! An exit code that an agent only writes into the text of the output.

use crate::fact::Fact;

/// Line with which Codex's header of an output ends.
const HEADER_END: &str = "Output:";
/// How the line begins that names the exit code.
const EXITED: &str = "Process exited with code ";
/// Most lines that a header has.
const HEADER_LINES: usize = 8;

/// The exit code in the header that Codex puts before a command's output. What the command itself
/// wrote stands behind the header and is not looked at.
pub(crate) fn from_output(output: &Fact<String>) -> Option<Fact<i64>> {
    let text = output.value.as_deref()?;
    let header = text.lines().take(HEADER_LINES).take_while(|line| line.trim_end() != HEADER_END);
    let code = header.filter_map(|line| line.strip_prefix(EXITED)).next()?.trim().parse().ok()?;
    // Without the end of the header the line could be the command's own.
    text.lines().take(HEADER_LINES).find(|line| line.trim_end() == HEADER_END)?;
    text.starts_with("Chunk ID: ").then_some(())?;
    Some(Fact::inferred(code, "the header of the output text says so", output.events.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<i64> {
        from_output(&Fact::observed(text.to_owned(), Vec::new())).and_then(|fact| fact.value)
    }

    #[test]
    fn the_header_tells_the_exit_code() {
        let text = "Chunk ID: d3976c\nWall time: 0.0000 seconds\nProcess exited with code 3\n\
                    Original token count: 0\nOutput:\n";
        assert_eq!(code(text), Some(3));
    }

    #[test]
    fn what_the_command_wrote_is_not_believed() {
        let running = "Chunk ID: 1\nWall time: 1 seconds\nProcess running with session ID 7\n\
                       Output:\nProcess exited with code 0\n";
        assert_eq!(code(running), None);
        assert_eq!(code("Process exited with code 0\nOutput:\n"), None);
        assert_eq!(code("Chunk ID: 1\nProcess exited with code 0\n"), None);
    }
}
