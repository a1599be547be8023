//! The files that profiles are read from.

use std::path::{Path, PathBuf};

use blotter_profiles::layer::{derive, derive_requirements};
use blotter_profiles::{Error, Layer, LayerKind, Place, Requirements, RequirementsLayer, Stack};

/// Which files are read, and for which project.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Configuration files, each as `FILE` or `LAYER:FILE`; the usual places when none is named.
    pub config: Vec<String>,
    /// Files of requirements, each as `FILE` or `LAYER:FILE`.
    pub requirements: Vec<String>,
    /// The project; the working folder by default.
    pub project: Option<PathBuf>,
    /// Whether the project's own configuration counts.
    pub trusted: bool,
    /// The folder that relative paths start from; the project by default.
    pub cwd: Option<PathBuf>,
}

/// Reads the files. Returns the layers, the place that they are applied in, and the files that were read.
///
/// # Errors
/// When a file cannot be read or says something that has no meaning, or the project is no path.
pub fn load(sources: &Sources) -> Result<(Stack, Place, Vec<String>), Error> {
    let unusable = |what: &str, reason: &str| Error::Unusable {
        what: what.to_owned(),
        reason: reason.to_owned(),
    };
    let folder = |path: Option<&Path>| {
        let path = path.unwrap_or(Path::new("."));
        let whole = std::path::absolute(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        whole.to_str().map(str::to_owned).ok_or_else(|| {
            unusable(&path.to_string_lossy(), "the folder's name is not readable as text")
        })
    };
    let project = folder(sources.project.as_deref())?;
    let mut place = Place::here(&project);
    if let Some(cwd) = &sources.cwd {
        place.cwd = Some(folder(Some(cwd))?);
    }
    let named = !sources.config.is_empty() || !sources.requirements.is_empty();
    let (config, requirements) = if named {
        (sources.config.clone(), sources.requirements.clone())
    } else {
        usual(&place, &project)
    };
    let mut layers = Vec::new();
    for name in &config {
        let (kind, path) = stated(name, &KINDS)?;
        let kind = kind.unwrap_or_else(|| derive(path, Some(Path::new(&project))));
        let layer = Layer::read(kind, path)?;
        let counts = kind != LayerKind::Project || sources.trusted;
        layers.push(if counts { layer } else { layer.untrusted() });
    }
    let mut floors = Vec::new();
    for name in &requirements {
        let (kind, path) = stated(name, &REQUIREMENTS)?;
        let kind = kind.unwrap_or_else(|| derive_requirements(path));
        floors.push(RequirementsLayer::read(kind, path)?);
    }
    let read = config.into_iter().chain(requirements).collect();
    Ok((Stack::new(layers, Requirements::new(floors))?, place, read))
}

/// The words before the colon of a configuration file.
const KINDS: [(&str, LayerKind); 6] = [
    ("system", LayerKind::System),
    ("organisation", LayerKind::Organisation),
    ("user", LayerKind::User),
    ("project", LayerKind::Project),
    ("profile", LayerKind::ProfileOverride),
    ("command-line", LayerKind::CommandLine),
];

/// The words before the colon of a file of requirements.
const REQUIREMENTS: [(&str, LayerKind); 3] = [
    ("system", LayerKind::RequirementsSystem),
    ("mdm", LayerKind::RequirementsMdm),
    ("cloud", LayerKind::RequirementsCloud),
];

/// Takes `LAYER:FILE` apart. A colon after anything but a word for a layer belongs to the file's name, unless
/// it looks like such a word.
fn stated<'a>(
    name: &'a str,
    words: &[(&str, LayerKind)],
) -> Result<(Option<LayerKind>, &'a Path), Error> {
    let Some((word, file)) = name.split_once(':') else { return Ok((None, Path::new(name))) };
    if let Some((_, kind)) = words.iter().find(|(known, _)| *known == word) {
        return Ok((Some(*kind), Path::new(file)));
    }
    if word.contains(['/', '.']) || Path::new(name).exists() {
        return Ok((None, Path::new(name)));
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let reason =
        format!("`{word}` is no layer; before the colon stands one of {}", known.join(", "));
    Err(Error::Unusable { what: name.to_owned(), reason })
}

/// The usual places, as far as there are files.
fn usual(place: &Place, project: &str) -> (Vec<String>, Vec<String>) {
    let home = std::env::var("CODEX_HOME").ok().filter(|folder| !folder.is_empty());
    let home = home.or_else(|| place.home.as_ref().map(|home| format!("{home}/.codex")));
    let user = home.map(|home| format!("user:{home}/config.toml"));
    let config = [
        Some("system:/etc/codex/config.toml".to_owned()),
        Some("organisation:/etc/codex/managed_config.toml".to_owned()),
        user,
        Some(format!("project:{project}/.codex/config.toml")),
    ];
    let there =
        |name: &String| name.split_once(':').is_some_and(|(_, file)| Path::new(file).is_file());
    let config = config.into_iter().flatten().filter(there).collect();
    let requirements = vec!["system:/etc/codex/requirements.toml".to_owned()];
    (config, requirements.into_iter().filter(there).collect())
}
