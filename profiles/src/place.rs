//! Where a profile is applied: the folders that its words stand for.

use std::path::Path;

use crate::profile::path::clean;

/// What to do about symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// Resolve them on this machine, in rules and in what is asked about.
    Follow,
    /// Take paths as they are written: the files are elsewhere, or gone.
    #[default]
    AsWritten,
}

/// What TMPDIR is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tmpdir {
    /// Nobody said: `:tmpdir` stands for some folder, as in a session file.
    #[default]
    Unknown,
    /// It is not set: `:tmpdir` has no effect, as in Codex.
    Unset,
    /// It names this folder.
    At(String),
}

impl Tmpdir {
    /// The folder, cleaned; none where it is not known, not set or not absolute.
    pub(crate) fn folder(&self) -> Option<String> {
        match self {
            Self::At(path) if path.starts_with('/') => Some(clean(path)),
            _ => None,
        }
    }
}

/// Where a profile is applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The folder that relative paths start from; without one nothing is said about them.
    pub cwd: Option<String>,
    /// The workspace roots: the project, and what was added to it.
    pub workspace_roots: Vec<String>,
    /// The home folder, for `~/`; without one nothing is said about such paths.
    pub home: Option<String>,
    /// The value of TMPDIR, for `:tmpdir`.
    pub tmpdir: Tmpdir,
    /// What to do about symbolic links.
    pub links: Links,
}

impl Place {
    /// A project, taken as it is written: it is the working folder and the only workspace root.
    #[must_use]
    pub fn of(project: &str) -> Self {
        let project = clean(project);
        Self { cwd: Some(project.clone()), workspace_roots: vec![project], ..Self::default() }
    }

    /// The same on this machine: links are followed, and HOME and TMPDIR are those of this process.
    #[must_use]
    pub fn here(project: &str) -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        Self {
            home: variable("HOME"),
            tmpdir: variable("TMPDIR").map_or(Tmpdir::Unset, Tmpdir::At),
            links: Links::Follow,
            ..Self::of(project)
        }
    }

    /// The absolute path that a text stands for.
    pub(crate) fn absolute<'a>(&self, path: &'a str) -> Option<std::borrow::Cow<'a, str>> {
        if path.contains('\0') {
            return None;
        }
        if path.starts_with('/') {
            return Some(if is_clean(path) { path.into() } else { clean(path).into() });
        }
        if path == "~" || path.starts_with("~/") {
            let rest = path.strip_prefix('~').unwrap_or_default();
            return Some(clean(&format!("{}/{rest}", self.home.as_deref()?)).into());
        }
        let cwd = self.cwd.as_deref()?;
        (!path.is_empty()).then(|| clean(&format!("{cwd}/{path}")).into())
    }

    /// The path with its links resolved, where that makes it another one.
    pub(crate) fn real(&self, path: &str) -> Option<String> {
        if self.links == Links::AsWritten {
            return None;
        }
        // What does not exist yet lies in the nearest folder that does.
        let path = Path::new(path);
        for ancestor in path.ancestors() {
            if let Ok(real) = ancestor.canonicalize() {
                let rest = path.strip_prefix(ancestor).ok()?;
                let whole = if rest.as_os_str().is_empty() { real } else { real.join(rest) };
                return whole.to_str().filter(|whole| Path::new(whole) != path).map(str::to_owned);
            }
        }
        None
    }
}

/// Whether an absolute path has nothing to take out.
fn is_clean(path: &str) -> bool {
    path == "/"
        || path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}
