//! Why the model says that it makes a call: a field of the arguments of some tools.

use serde::Deserialize;

use crate::dialects::json;

#[derive(Deserialize)]
struct Stated {
    justification: Option<String>,
    reason: Option<String>,
    explanation: Option<String>,
}

/// What the arguments of a call to `tool` say about why it is made.
pub(crate) fn justification(tool: Option<&str>, arguments: Option<&str>) -> Option<String> {
    let stated: Stated =
        json::read(arguments?.trim_start().starts_with('{').then_some(arguments?)?)?;
    let stated = match tool {
        Some("request_permissions") => stated.reason.or(stated.justification),
        Some("update_plan") => stated.explanation,
        _ => stated.justification,
    };
    stated.filter(|stated| !stated.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_say_why_in_the_field_that_the_tool_has_for_it() {
        let said = |tool: &str, arguments: &str| justification(Some(tool), Some(arguments));
        let exec = r#"{"cmd": "ls", "justification": "look", "reason": "no"}"#;
        assert_eq!(said("exec_command", exec).as_deref(), Some("look"));
        assert_eq!(said("request_permissions", r#"{"reason": "net"}"#).as_deref(), Some("net"));
        assert_eq!(said("update_plan", r#"{"explanation": "next"}"#).as_deref(), Some("next"));
        assert_eq!(said("exec_command", r#"{"cmd": "ls", "justification": ""}"#), None);
        assert_eq!(said("apply_patch", "*** Begin Patch"), None);
        assert_eq!(justification(None, None), None);
    }
}
