//! Checks of the Markdown documents: every link to a file of the workspace leads somewhere, and no
//! document has what a merge left undone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::generate::workspace;

/// Folders that hold no documents of ours.
const LEFT_OUT: [&str; 4] = ["target", "node_modules", "captures", "fixtures"];
/// How the lines begin between which a merge shows what it could not decide.
const UNDECIDED: [&str; 3] = ["<<<<<<< ", "=======", ">>>>>>> "];

/// Checks every document of the workspace.
///
/// # Errors
/// With everything that is wrong, by file and line.
pub(crate) fn check() -> anyhow::Result<()> {
    let root = workspace();
    let mut documents = Vec::new();
    find(&root, &mut documents)?;
    documents.sort();
    let mut wrong = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document)?;
        let folder = document.parent().unwrap_or(&root);
        let name = document.strip_prefix(&root).unwrap_or(document).display();
        let found = mistakes(&text, |target| folder.join(target).exists());
        wrong.extend(found.into_iter().map(|(line, what)| format!("{name}:{line}: {what}")));
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    println!("{} documents", documents.len());
    Ok(())
}

fn find(folder: &Path, documents: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !LEFT_OUT.contains(&name.as_ref()) {
                find(&path, documents)?;
            }
        } else if name.ends_with(".md") {
            documents.push(path);
        }
    }
    Ok(())
}

/// What is wrong in a document, by line.
fn mistakes(text: &str, exists: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (line, number) in text.lines().zip(1..) {
        let is_marker = |mark: &&str| match mark.strip_suffix(' ') {
            Some(_) => line.starts_with(*mark),
            None => line == *mark,
        };
        if UNDECIDED.iter().any(is_marker) {
            found.push((number, "a merge is left undone".to_owned()));
        }
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code || line.starts_with("    ") {
            continue;
        }
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !exists(file) {
                found.push((number, format!("there is no {file}")));
            }
        }
    }
    found
}

/// Where the links of a line lead.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        mistakes(text, |target| target == "there.md").into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn links_to_nowhere_are_found_outside_of_code() {
        let text = "[a](there.md) and [b](there.md#part), [c](https://example.org/x.md)\n\
                    [d](#here) [e](nowhere.md)\n```\n[f](nowhere.md)\n```\n    [g](nowhere.md)\n\
                    two: [h](there.md) [i](gone.md)\n";
        assert_eq!(lines(text), [2, 7]);
    }

    #[test]
    fn what_a_merge_left_undone_is_found() {
        let markers = UNDECIDED.map(|mark| format!("{mark}\n")).concat();
        assert_eq!(lines(&format!("a\n{markers}b\n")), [2, 3, 4]);
        assert_eq!(lines("a title\n========\n"), [] as [usize; 0]);
    }
}
