//! What a rule of the file system points at.

use serde::Serialize;

use super::Access;

/// What a rule of the file system points at, before it is known where the workspace is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// `:root`: the whole file system.
    Root,
    /// `:minimal`: what every program needs to run.
    Minimal,
    /// `:workspace_roots`, or something below each of them.
    WorkspaceRoots {
        /// The path below; none for the roots themselves.
        #[serde(skip_serializing_if = "Option::is_none")]
        below: Option<String>,
    },
    /// `:tmpdir`: the folder that TMPDIR names.
    Tmpdir,
    /// `:slash_tmp`: `/tmp`.
    SlashTmp,
    /// A path and everything below it; `~/` stands for the home folder.
    Path {
        /// Absolute or from the home folder, without `.` and `..`.
        path: String,
    },
    /// Every path that a pattern matches; only a deny may have one.
    Glob {
        /// Absolute or from the home folder; below every workspace root when `below_roots`.
        pattern: String,
        /// Whether it is relative to every workspace root.
        below_roots: bool,
    },
    /// A `:word` that this version of the semantics does not know. It has no effect.
    Unknown {
        /// The word, with what stands below it.
        word: String,
    },
}

/// Characters that make a path a pattern.
fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', ']'])
}

/// The path without a `/**` at its end, which means the same for an exact path.
fn subtree(path: &str) -> &str {
    path.strip_suffix("/**").unwrap_or(path)
}

impl Target {
    /// Reads a rule's key, and the key below it where the rule stands in a table of its own.
    ///
    /// # Errors
    /// What is wrong with it, when it cannot be enforced.
    pub fn parse(key: &str, below: Option<&str>, access: Access) -> Result<Self, String> {
        let special = key.starts_with(':');
        match below {
            None if special => Ok(word(key)),
            None if !is_glob(key) => Ok(Self::Path { path: absolute(key)? }),
            None if access == Access::Deny => {
                Ok(Self::Glob { pattern: absolute(key)?, below_roots: false })
            }
            None => exact(key, access).and_then(|path| Ok(Self::Path { path: absolute(path)? })),
            Some(below) if is_glob(below) && access == Access::Deny => {
                let below = relative(below)?;
                match word_or_path(key) {
                    Some(Self::WorkspaceRoots { .. }) => {
                        Ok(Self::Glob { pattern: below, below_roots: true })
                    }
                    Some(_) => Err(no_children(key)),
                    None => {
                        let pattern = absolute(&format!("{key}/{below}"))?;
                        Ok(Self::Glob { pattern, below_roots: false })
                    }
                }
            }
            Some(below) => {
                let below = exact(below, access)?;
                if below == "." {
                    return Self::parse(key, None, access);
                }
                let below = relative(below)?;
                match word_or_path(key) {
                    Some(Self::WorkspaceRoots { .. }) => {
                        Ok(Self::WorkspaceRoots { below: Some(below) })
                    }
                    Some(Self::Unknown { word }) => {
                        Ok(Self::Unknown { word: format!("{word}/{below}") })
                    }
                    Some(_) => Err(no_children(key)),
                    None => Ok(Self::Path { path: absolute(&format!("{key}/{below}"))? }),
                }
            }
        }
    }
}

fn no_children(key: &str) -> String {
    format!("`{key}` takes no paths below it; give the rule itself a value")
}

fn word_or_path(key: &str) -> Option<Target> {
    key.starts_with(':').then(|| word(key))
}

fn word(key: &str) -> Target {
    match key {
        ":root" => Target::Root,
        ":minimal" => Target::Minimal,
        ":workspace_roots" | ":project_roots" => Target::WorkspaceRoots { below: None },
        ":tmpdir" => Target::Tmpdir,
        ":slash_tmp" => Target::SlashTmp,
        _ => Target::Unknown { word: key.to_owned() },
    }
}

/// The exact path of a rule that may not be a pattern.
fn exact(path: &str, access: Access) -> Result<&str, String> {
    let whole = subtree(path);
    if !is_glob(path) || !is_glob(whole) {
        return Ok(whole);
    }
    Err(format!(
        "the pattern `{path}` can only be a `deny`; for `{access}` name an exact path, or a folder with \
         `/**` at its end"
    ))
}

/// A path from the root or from the home folder, without `.`, `..` and double slashes.
///
/// # Errors
/// When it is relative, or holds what no path can.
pub(crate) fn absolute(path: &str) -> Result<String, String> {
    if path.contains('\0') {
        return Err("a path cannot hold a zero byte".to_owned());
    }
    if path == "~" || path.starts_with("~/") {
        let rest = clean(path.strip_prefix('~').unwrap_or_default());
        return Ok(if rest == "/" { "~".to_owned() } else { format!("~{rest}") });
    }
    if !path.starts_with('/') {
        return Err(format!(
            "the path `{path}` has to be absolute, begin with `~/`, or be one of :root, :minimal, \
             :workspace_roots, :tmpdir and :slash_tmp"
        ));
    }
    Ok(clean(path))
}

/// A path below another one.
fn relative(path: &str) -> Result<String, String> {
    let whole = !path.is_empty() && !path.starts_with('/') && !path.contains('\0');
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
    // A `.` at the front names the folder itself; elsewhere it changes nothing.
    let front = path == "." || path.starts_with("./");
    if !whole || front || parts.peek().is_none() || path.split('/').any(|part| part == "..") {
        return Err(format!("`{path}` has to be a path below, without `.` and `..`"));
    }
    Ok(parts.collect::<Vec<_>>().join("/"))
}

/// An absolute path with `.`, `..` and double slashes taken out.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
