//! Kinds of secrets, by who issues or writes them. Each names where its format is published.

mod agents;
mod assignments;
mod clouds;
mod headers;
mod named;
mod platforms;

use std::sync::LazyLock;

use super::random::Random;

/// A secret and the text it would stand in.
pub struct Sample {
    /// What must not be found afterwards.
    pub secret: String,
    /// The text around it, as a command, file or header has it.
    pub text: String,
}

/// A kind of secret.
pub struct Kind {
    /// Name, as it is printed.
    pub name: &'static str,
    /// Where the format is published.
    pub source: &'static str,
    /// Makes one.
    pub make: fn(&mut Random) -> Sample,
    /// Most that may be missed of a thousand: what was measured.
    pub missed: usize,
    /// Whether it is found in Base64 too.
    pub base64: bool,
}

impl Kind {
    const fn new(
        name: &'static str,
        source: &'static str,
        make: fn(&mut Random) -> Sample,
    ) -> Self {
        Self { name, source, make, missed: 0, base64: false }
    }

    const fn base64(self) -> Self {
        Self { base64: true, ..self }
    }

    const fn missed(self, missed: usize) -> Self {
        Self { missed, ..self }
    }
}

/// Every kind.
pub static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let mut kinds = agents::kinds();
    kinds.extend(headers::kinds());
    kinds.extend(clouds::kinds());
    kinds.extend(platforms::kinds());
    kinds.extend(assignments::kinds());
    kinds.extend(named::kinds());
    kinds
});

/// A secret that is known by its own form.
fn bare(secret: String) -> Sample {
    Sample { text: format!("run with {secret} please"), secret }
}

/// A secret in a text where it stands for `{}`.
fn within(text: &str, secret: String) -> Sample {
    Sample { text: text.replace("{}", &secret), secret }
}
