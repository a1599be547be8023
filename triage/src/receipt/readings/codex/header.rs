//! The header that Codex writes before the output of a command or a patch.

/// Header of an output: how the line begins that names the exit code, and the line that ends it.
const HEADER_BEGINS: [(&str, &str); 2] =
    [("Chunk ID: ", "Process exited with code "), ("Exit code: ", "Exit code: ")];
const HEADER_END: &str = "Output:";
/// Most lines that a header has.
const HEADER_LINES: usize = 8;

/// The exit code in the header that Codex puts before an output. What the command itself wrote stands
/// behind the header and is not looked at.
pub(super) fn exit_code(text: &str) -> Option<i64> {
    let (_, code) = HEADER_BEGINS.iter().find(|(begins, _)| text.starts_with(begins))?;
    let lines = || text.lines().take(HEADER_LINES);
    // Without the end of the header the line could be the command's own.
    lines().find(|line| line.trim_end() == HEADER_END)?;
    let mut header = lines().take_while(|line| line.trim_end() != HEADER_END);
    header.find_map(|line| line.strip_prefix(code))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_the_exit_code() {
        let text = "Chunk ID: d3976c\nWall time: 0.0000 seconds\nProcess exited with code 3\n\
                    Original token count: 0\nOutput:\n";
        assert_eq!(exit_code(text), Some(3));
        assert_eq!(exit_code("Exit code: 1\nWall time: 0.1 seconds\nOutput:\nno"), Some(1));
    }

    #[test]
    fn what_the_command_wrote_is_not_believed() {
        let running = "Chunk ID: 1\nWall time: 1 seconds\nProcess running with session ID 7\n\
                       Output:\nProcess exited with code 0\n";
        assert_eq!(exit_code(running), None);
        assert_eq!(exit_code("Process exited with code 0\nOutput:\n"), None);
        assert_eq!(exit_code("Chunk ID: 1\nProcess exited with code 0\n"), None);
    }
}
