//! What we say of a permission profile, held against what the sandbox of the real Codex does under it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use blotter_profiles::{Decider, Request, Semantics};
use blotter_tests::agents::codex::Codex;
use blotter_triage::profiles::{Sources, load};

/// Files below the workspace root `W`, beside it in `O`, and of the system.
const FILES: [&str; 13] = [
    "W/secret/x",
    "W/secret/open/y",
    "W/a.env",
    "W/d1/b.env",
    "W/d1/d2/c.env",
    "W/d1/d2/d3/d.env",
    "W/plain",
    "W/.git/config",
    "W/.codex/config.toml",
    "W/link/o",
    "O/o",
    "O/.git/c",
    "/etc/hostname",
];

/// Profiles, by what they try.
const PROFILES: [(&str, &str); 15] = [
    ("the workspace", "[permissions.dev]\nextends = ':workspace'\n"),
    ("reading only", "[permissions.dev]\nextends = ':read-only'\n"),
    (
        "a denied folder",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem]\n'W/secret' = 'deny'\n",
    ),
    (
        "a folder that may be written within a denied one",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem]\n'W/secret' = 'deny'\n\
         'W/secret/open' = 'write'\n",
    ),
    (
        READ_WITHIN_A_DENIED_FOLDER,
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem]\n'W/secret' = 'deny'\n\
         'W/secret/open' = 'read'\n",
    ),
    (
        "a denied pattern",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem]\n'W/**/*.env' = 'deny'\n",
    ),
    (
        "a denied pattern that is looked for two folders deep",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem]\nglob_scan_max_depth = 2\n\
         'W/**/*.env' = 'deny'\n",
    ),
    (
        "patterns below the workspace roots",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem.':workspace_roots']\n\
         '*.env' = 'deny'\n'secret/**' = 'read'\n",
    ),
    (
        "a folder beside the workspace",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem]\n'O' = 'write'\n",
    ),
    (
        "a protected folder beside the workspace",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem]\n'O' = 'write'\n\
         'O/.git' = 'write'\n",
    ),
    (
        "protected folders of the workspace",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem.':workspace_roots']\n\
         '.git' = 'write'\n'.codex' = 'write'\n",
    ),
    (
        "a folder that may be written within one that may be read",
        "[permissions.dev]\nextends = ':workspace'\n[permissions.dev.filesystem]\n'W/d1' = 'read'\n\
         'W/d1/d2' = 'write'\n",
    ),
    (
        "everything may be written",
        "[permissions.dev.filesystem]\n':root' = 'write'\n'W/secret' = 'read'\n'W/d1' = 'deny'\n",
    ),
    (
        "a parent's deny",
        "[permissions.base]\nextends = ':workspace'\n[permissions.base.filesystem]\n'W/secret' = 'deny'\n\
         'W/d1' = 'read'\n[permissions.dev]\nextends = 'base'\n[permissions.dev.filesystem]\n\
         'W/secret' = 'write'\n",
    ),
    (
        "the least",
        "[permissions.dev.filesystem]\n':minimal' = 'read'\n'CODEX' = 'read'\n'W' = 'write'\n",
    ),
];

/// Of a `read` below a `deny` Codex itself says that it may be read; its sandbox on Linux does not let it.
const READ_WITHIN_A_DENIED_FOLDER: &str = "a folder that may be read within a denied one";

/// The folders of one trial. They do not lie where everybody may write.
struct Folders {
    _root: tempfile::TempDir,
    workspace: PathBuf,
    other: PathBuf,
    home: PathBuf,
}

impl Folders {
    fn new() -> anyhow::Result<Self> {
        let root = tempfile::tempdir_in("/var/tmp")?;
        let [workspace, other, home] = ["ws", "out", "home"].map(|name| root.path().join(name));
        for folder in [&workspace, &other, &home] {
            fs::create_dir(folder)?;
        }
        std::os::unix::fs::symlink(&other, workspace.join("link"))?;
        let folders = Self { _root: root, workspace, other, home };
        for file in FILES {
            let path = PathBuf::from(folders.real(file));
            if !is_ours(file) {
                continue;
            }
            fs::create_dir_all(path.parent().context("a file in no folder")?)?;
            fs::write(path, "x\n")?;
        }
        Ok(folders)
    }

    /// A text with the folders in place of `W` and `O`.
    fn real(&self, text: &str) -> String {
        let [workspace, other] = [&self.workspace, &self.other].map(|it| it.display().to_string());
        let text = text.replace("'W", &format!("'{workspace}")).replace("'O", &format!("'{other}"));
        match text.split_at_checked(2) {
            Some(("W/", rest)) => format!("{workspace}/{rest}"),
            Some(("O/", rest)) => format!("{other}/{rest}"),
            _ => text,
        }
    }
}

/// Whether writing is tried: not where the machine would miss what was there.
fn is_ours(file: &str) -> bool {
    !file.starts_with('/')
}

/// A shell script that tries to read every file and to write those of the trial, and prints what went well.
fn script(folders: &Folders) -> String {
    let mut script = String::new();
    for file in FILES {
        let path = folders.real(file);
        let mut attempt = |access: &str, command: String| {
            let _ = writeln!(
                script,
                "if {command} 2>/dev/null; then echo '{access} yes {file}'; else echo '{access} no {file}'; fi"
            );
        };
        attempt("read", format!("cat '{path}' >/dev/null"));
        if is_ours(file) {
            attempt("write", format!("(echo y >> '{path}')"));
        }
    }
    script
}

/// What was tried, and whether it went well.
fn tried(printed: &str) -> BTreeMap<(String, String), bool> {
    let line = |line: &str| {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        let (access, went_well, file) = (words.next()?, words.next()?, words.next()?);
        Some(((access, file), went_well == "yes"))
    };
    printed.lines().filter_map(line).collect()
}

fn said(folders: &Folders, config: &Path) -> anyhow::Result<BTreeMap<(String, String), bool>> {
    let sources = Sources {
        config: vec![format!("user:{}", config.display())],
        project: Some(folders.workspace.clone()),
        ..Sources::default()
    };
    let (stack, place, _) = load(&sources)?;
    let decider = Decider::new(stack.effective("dev")?, place)?;
    let mut said = BTreeMap::new();
    for file in FILES {
        let path = folders.real(file);
        let mut ask = |access: &str, request: Request<'_>| {
            let allowed = decider.decide(&request, Semantics::Codex).is_allowed();
            said.insert((access.to_owned(), file.to_owned()), allowed);
        };
        ask("read", Request::Read(&path));
        if is_ours(file) {
            ask("write", Request::Write(&path));
        }
    }
    Ok(said)
}

#[tokio::test]
async fn what_a_profile_allows_is_what_the_sandbox_of_codex_lets_through() -> anyhow::Result<()> {
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let mut differ = Vec::new();
    for (name, profile) in PROFILES {
        let folders = Folders::new()?;
        let config = folders.home.join("config.toml");
        // The sandbox runs Codex itself, which must be there.
        let itself = fs::canonicalize(codex.folder())?;
        let profile = profile.replace("CODEX", &itself.display().to_string());
        fs::write(&config, folders.real(&profile))?;
        let ours = said(&folders, &config).with_context(|| name.to_owned())?;
        let places = (folders.home.as_path(), folders.workspace.as_path());
        let (printed, stderr) = codex.sandbox(places, "dev", &script(&folders)).await?;
        let theirs = tried(&printed);
        ensure!(theirs.len() == ours.len(), "{name}: codex printed {printed:?}, {stderr:?}");
        for ((access, file), allowed) in &theirs {
            if ours.get(&(access.clone(), file.clone())) != Some(allowed) {
                differ.push(format!("{name}: {access} {file}: the sandbox says {allowed}"));
            }
        }
    }
    let known =
        format!("{READ_WITHIN_A_DENIED_FOLDER}: read W/secret/open/y: the sandbox says false");
    assert_eq!(differ, [known]);
    Ok(())
}

#[tokio::test]
async fn where_a_protected_name_is_a_link_codex_starts_nothing_and_a_profile_denies_it()
-> anyhow::Result<()> {
    let Some(codex) = Codex::installed()? else { return Ok(()) };
    let protected = "[permissions.dev.filesystem]\n':root' = 'read'\n'W' = 'write'\n";
    for (profile, starts) in
        [(protected.to_owned(), false), (format!("{protected}'W/.git' = 'write'\n"), true)]
    {
        let folders = Folders::new()?;
        let git = folders.workspace.join(".git");
        fs::remove_dir_all(&git)?;
        std::os::unix::fs::symlink(folders.workspace.join("d1"), &git)?;
        let config = folders.home.join("config.toml");
        fs::write(&config, folders.real(&profile))?;
        let places = (folders.home.as_path(), folders.workspace.as_path());
        let (printed, stderr) = codex.sandbox(places, "dev", &script(&folders)).await?;
        let write = ("write".to_owned(), "W/.git/config".to_owned());
        ensure!(said(&folders, &config)?.get(&write) == Some(&starts), "{profile}");
        let went_well = tried(&printed).get(&write).copied();
        ensure!(went_well == starts.then_some(true), "{profile}: {printed:?}, {stderr:?}");
        ensure!(starts || stderr.contains("symlink"), "{profile}: {stderr:?}");
    }
    Ok(())
}
