//! How a running collector comes to know new certificates, tokens and clients: it looks at their files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use blotter_redaction::CONFIGURATION_LIMIT;
use blotter_schemas::names::blotter::{self as names, events};
use tokio_util::sync::CancellationToken;

use super::tls::{self, Tls};
use super::{AccessConfig, Gate};
use crate::ConfigFile;
use crate::own_events::{OwnEvent, Told};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Follows the files that say who is let in.
#[derive(Debug)]
pub(crate) struct Followed {
    gate: Arc<Gate>,
    tls: Option<Arc<Tls>>,
    /// The configuration file.
    file: Option<PathBuf>,
    /// What it held when it was looked at last, or why it could not be read.
    tried: String,
    /// What of it is in use.
    access: AccessConfig,
}

/// What came of a look at the configuration file.
#[derive(Debug, PartialEq, Eq)]
enum Looked {
    /// It is as it was.
    Same,
    /// It changed, tokens and clients did not.
    Elsewhere,
    /// Its tokens and clients are in use from now on.
    TakenUp { tokens: usize, clients: usize },
}

impl Followed {
    /// `file` is where `access` was read from, where it was read from one.
    pub(crate) fn new(
        gate: Arc<Gate>,
        tls: Option<Arc<Tls>>,
        file: Option<PathBuf>,
        access: AccessConfig,
    ) -> Self {
        let tried = file.as_deref().map(content).unwrap_or_default();
        Self { gate, tls, file, tried, access }
    }

    /// Takes up every change until it is told to stop. What cannot be used is told of, and what was
    /// read before stays in use.
    pub(crate) async fn follow(self, stop: CancellationToken) {
        let mut followed = self;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            let looking = tokio::task::spawn_blocking(move || {
                followed.look_at_configuration();
                followed.look_at_certificates();
                followed
            });
            match looking.await {
                Ok(looked) => followed = looked,
                Err(error) => {
                    return tracing::error!("changed files are not taken up any more: {error}");
                }
            }
        }
    }

    fn look_at_certificates(&self) {
        match self.tls.as_ref().map_or(Ok(false), |tls| tls.reload()) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!("new connections use the changed files of TLS");
                self.gate.tell(told(
                    events::BLOTTER_COLLECTOR_ACCESS_CERTIFICATE,
                    "the files of TLS changed; new connections use them",
                    None,
                ));
            }
            Err(reason) => {
                tracing::error!("{reason}; what was read before stays in use");
                self.gate.tell(told(
                    events::BLOTTER_COLLECTOR_ACCESS_CERTIFICATE,
                    "the files of TLS changed and cannot be used; what was read before stays in use",
                    Some(&reason),
                ));
            }
        }
    }

    fn look_at_configuration(&mut self) {
        let name = events::BLOTTER_COLLECTOR_ACCESS_CREDENTIALS;
        match self.take_up() {
            Ok(Looked::Same) => {}
            Ok(Looked::Elsewhere) => {
                tracing::info!("the configuration file changed; what changed needs a restart");
            }
            Ok(Looked::TakenUp { tokens, clients }) => {
                let text = format!(
                    "tokens ({tokens}) and clients ({clients}) of the changed configuration are in use; \
                     whatever else changed in it needs a restart"
                );
                tracing::info!("{text}");
                self.gate.tell(told(name, &text, None));
            }
            Err(reason) => {
                let text = "the configuration file changed and cannot be used; tokens and clients stay as they were";
                tracing::error!("{text}: {reason}");
                self.gate.tell(told(name, text, Some(&reason)));
            }
        }
    }

    /// Takes up tokens and clients of the configuration file where they are others.
    fn take_up(&mut self) -> Result<Looked, String> {
        let Some(file) = &self.file else { return Ok(Looked::Same) };
        let now = content(file);
        if now == self.tried {
            return Ok(Looked::Same);
        }
        self.tried = now;
        let read = ConfigFile::read(file).map_err(|error| error.to_string())?.access;
        let AccessConfig { tokens, clients, .. } = &read;
        if (tokens, clients) == (&self.access.tokens, &self.access.clients) {
            return Ok(Looked::Elsewhere);
        }
        let used = AccessConfig {
            tokens: tokens.clone(),
            clients: clients.clone(),
            ..self.access.clone()
        };
        // The authority that certificates are checked with is that of the start.
        used.check().map_err(|unusable| format!("{unusable}, or restart the collector"))?;
        self.gate.replace(&used).map_err(|error| error.to_string())?;
        let (tokens, clients) = (used.tokens.len(), used.clients.len());
        self.access = used;
        Ok(Looked::TakenUp { tokens, clients })
    }
}

/// A digest of what is in the file, or why it cannot be read.
fn content(file: &Path) -> String {
    let read = tls::read(file, CONFIGURATION_LIMIT);
    read.map_or_else(|reason| reason, |content| blake3::hash(&content).to_string())
}

fn told(name: &'static str, text: &str, reason: Option<&str>) -> OwnEvent {
    let attribute = |reason| (names::BLOTTER_COLLECTOR_REASON, Told::text(reason));
    OwnEvent {
        name,
        is_warning: reason.is_some(),
        text: text.to_owned(),
        attributes: reason.into_iter().map(attribute).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{NewToken, Scope};
    use crate::own_events::OwnEvents;
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, HeaderValue};

    fn table(token: &NewToken, name: &str) -> String {
        let table = token.table(name, &[Scope::Ingest], None, None).unwrap();
        format!("[[access.tokens]]\nname = \"{name}\"\nhash = \"{}\"\n", table.hash)
    }

    #[test]
    fn tokens_of_a_changed_file_are_taken_up_and_a_broken_file_is_told_of_once_and_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.toml");
        let [one, two] = [(); 2].map(|()| NewToken::make().unwrap());
        std::fs::write(&path, table(&one, "one")).unwrap();
        let access = ConfigFile::read(&path).unwrap().access;
        let gate = Arc::new(Gate::new(&access, OwnEvents::new().0).unwrap());
        let mut followed = Followed::new(Arc::clone(&gate), None, Some(path.clone()), access);
        let admits = |token: &NewToken| {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal())).unwrap();
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
            gate.admit(&headers, None, false, Scope::Ingest).is_ok()
        };
        assert_eq!(followed.take_up(), Ok(Looked::Same));

        std::fs::write(&path, [table(&one, "one"), table(&two, "two")].concat()).unwrap();
        let taken_up = |tokens| Ok(Looked::TakenUp { tokens, clients: 0 });
        assert_eq!(followed.take_up(), taken_up(2));
        assert!(admits(&one) && admits(&two));

        std::fs::write(&path, "[[access.tokens]]\nname = 1\n").unwrap();
        assert!(followed.take_up().unwrap_err().contains("collector.toml:2"));
        assert_eq!(followed.take_up(), Ok(Looked::Same));
        assert!(admits(&one) && admits(&two));
        std::fs::remove_file(&path).unwrap();
        assert!(followed.take_up().unwrap_err().contains("collector.toml"));

        let more = "[access]\nfailures_per_minute = 3\n";
        std::fs::write(&path, [more, &table(&two, "two")].concat()).unwrap();
        assert_eq!(followed.take_up(), taken_up(1));
        assert!(!admits(&one) && admits(&two));

        std::fs::write(&path, ["[limits]\nconnections = 9\n", &table(&two, "two")].concat())
            .unwrap();
        assert_eq!(followed.take_up(), Ok(Looked::Elsewhere));
        // Whoever takes the last token away does not open the door.
        std::fs::write(&path, "").unwrap();
        assert_eq!(followed.take_up(), taken_up(0));
        assert!(!admits(&two));
    }
}
