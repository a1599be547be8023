//! Asking for a secret, so that it is neither on the screen nor in the shell's history.

use std::io::{IsTerminal as _, Read as _, Write as _};

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

/// Longest secret that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// The secret: typed where stdin is a terminal, without an echo; else everything that stdin holds,
/// without the line end behind it.
///
/// # Errors
/// When there is none, or nothing can be read.
pub fn read() -> anyhow::Result<SecretString> {
    let secret = if std::io::stdin().is_terminal() {
        let mut stderr = std::io::stderr();
        // Nobody may be able to see it.
        let _ = write!(stderr, "Secret (not shown; Enter ends it): ").and_then(|()| stderr.flush());
        let typed = Silent::begin().and_then(|_silent| typed());
        let _ = writeln!(stderr);
        typed?
    } else {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes).context("cannot read stdin")?;
        bytes
    };
    let mut secret = String::from_utf8(secret).context("the secret is not UTF-8")?;
    let length = secret.trim_end_matches(['\r', '\n']).len();
    secret.truncate(length);
    if secret.is_empty() {
        bail!("no secret was given");
    }
    Ok(SecretString::from(secret))
}

/// The terminal without an echo; as it was when this is dropped.
struct Silent(Termios);

impl Silent {
    fn begin() -> anyhow::Result<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin).context("cannot read the terminal's settings")?;
        let mut silent = before.clone();
        // Ctrl-C is read as a character, so that it cannot end us while the echo is off.
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&stdin, OptionalActions::Flush, &silent)
            .context("cannot turn the terminal's echo off")?;
        Ok(Self(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

fn typed() -> anyhow::Result<Vec<u8>> {
    let mut line = Vec::new();
    for byte in std::io::stdin().lock().take(LIMIT).bytes() {
        match byte.context("cannot read the terminal")? {
            b'\r' | b'\n' | 0x04 => break,
            0x03 => bail!("cancelled"),
            0x08 | 0x7f => {
                // A character may have several bytes.
                while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {}
            }
            byte => line.push(byte),
        }
    }
    Ok(line)
}
