//! A rule: what a secret looks like.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use blotter_schemas::names::blotter::TokenType;
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::check;

/// Longest repetition in a pattern; what a rule finds is extended beyond it where the characters go on.
pub(crate) const REPETITION: u32 = 256;

/// A literal without which a rule cannot match, and what else must stand beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) literal: String,
    pub(crate) beside: Beside,
}

/// What must stand beside an anchor for its rule to match, as far as it can be told from the bytes of a
/// request that nobody has decoded. Never stricter than the rule's pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nothing.
    Anything,
    /// At least so many letters, digits, `_`, `-` or `.` after it, and no letter or digit before it.
    Token(usize),
    /// The anchor ends the name of a secret after one of these remainders; a value follows.
    Name(&'static [&'static str]),
    /// A user, a colon and a password up to an `@`.
    Login,
    /// One of these, in any case, within some bytes.
    Near(&'static [&'static str]),
    /// A space, however it is written.
    Space,
    /// A space, and one of these as for `Near`: a space is cheaper to look for.
    SpaceNear(&'static [&'static str]),
    /// A digit.
    Digit,
    /// At least so many characters of a URL's query, escaped or not.
    Value(usize),
}

/// What a match must be besides a match.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checks {
    /// Least entropy, bits per byte.
    pub(crate) entropy: f64,
    /// Shortest secret, bytes.
    pub(crate) shortest: usize,
    /// Longest secret, bytes; 0 for no bound.
    pub(crate) longest: usize,
    /// Characters allowed, as `A-Za-z0-9`; empty for any.
    pub(crate) class: String,
    /// At least two digits and two letters.
    pub(crate) mixed: bool,
    /// A chosen or generated value, see [`check::chosen`].
    pub(crate) chosen: bool,
    /// Not a variable, placeholder or mask.
    pub(crate) literal: bool,
    /// Not one that matches any of these, unless it is [`check::generated`]: a long random text holds
    /// `your` or `test` by chance.
    pub(crate) allow: Vec<String>,
}

/// How far the secret reaches, where a pattern cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What the pattern's group matched.
    Pattern,
    /// A private key's block.
    Pem,
    /// A JSON Web Token.
    Jwt,
    /// To the end of the line or string.
    Line,
}

/// A rule as it is used.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) brief: String,
    pub(crate) token_type: Option<TokenType>,
    pub(crate) anchors: Vec<Anchor>,
    /// Anchors that are also looked for in Base64.
    pub(crate) base64: Vec<String>,
    pub(crate) pattern: String,
    pub(crate) group: usize,
    pub(crate) checks: Checks,
    pub(crate) extent: Extent,
    /// Where two rules claim the same text the lower number names the mark.
    pub(crate) rank: u8,
    pub(crate) compiled: OnceLock<Option<Compiled>>,
    /// How many bytes the pattern was run over.
    pub(crate) scanned: AtomicUsize,
}

/// A pattern made ready.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) regex: Regex,
    /// Longest match, bytes.
    pub(crate) reach: usize,
    allow: Option<RegexSet>,
}

impl Rule {
    /// The pattern made ready, on first use. None only where a pattern does not compile, which no
    /// rule does that passed the tests or was accepted from a configuration.
    pub(crate) fn compiled(&self) -> Option<&Compiled> {
        self.compiled.get_or_init(|| compile(&self.pattern, &self.checks.allow).ok()).as_ref()
    }

    /// Whether what the pattern matched is a secret.
    pub(crate) fn accepts(&self, secret: &[u8]) -> bool {
        let checks = &self.checks;
        secret.len() >= checks.shortest
            && (self.extent != Extent::Pattern || !check::masked(secret))
            && (checks.longest == 0 || secret.len() <= checks.longest)
            && (checks.class.is_empty() || check::in_class(secret, &checks.class))
            && (!checks.mixed || check::mixed(secret))
            && (!checks.chosen || check::chosen(secret))
            && (!checks.literal || !check::placeholder(secret))
            && (checks.entropy == 0.0 || check::entropy(secret) >= checks.entropy)
            && (check::generated(secret)
                || !self
                    .compiled()
                    .and_then(|compiled| compiled.allow.as_ref())
                    .is_some_and(|allow| allow.is_match(secret)))
    }

    /// Whether a name beside the secret leads to it.
    pub(crate) fn goes_by_name(&self) -> bool {
        self.anchors.iter().any(|anchor| matches!(anchor.beside, Beside::Name(_)))
    }

    pub(crate) fn count(&self, bytes: usize) {
        self.scanned.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Compiles a pattern over bytes, its repetitions bounded, so that a match has a longest length and
/// searching is linear.
pub(crate) fn compile(pattern: &str, allow: &[String]) -> Result<Compiled, String> {
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(64)
        .build()
        .parse(pattern)
        .map_err(|error| error.to_string())?;
    let bounded = bound(hir);
    let reach = bounded.properties().maximum_len().ok_or("matches without a longest length")?;
    let regex = RegexBuilder::new(&format!("{bounded}"))
        .unicode(false)
        .size_limit(4 << 20)
        .dfa_size_limit(4 << 20)
        .build()
        .map_err(|error| error.to_string())?;
    let allow = match allow {
        [] => None,
        allow => Some(
            RegexSetBuilder::new(allow)
                .unicode(false)
                .case_insensitive(true)
                .build()
                .map_err(|error| error.to_string())?,
        ),
    };
    Ok(Compiled { regex, reach, allow })
}

/// The same expression with every unbounded repetition bounded.
fn bound(hir: regex_syntax::hir::Hir) -> regex_syntax::hir::Hir {
    use regex_syntax::hir::{Hir, HirKind};
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(mut repetition) => {
            repetition.max = Some(repetition.max.unwrap_or_else(|| REPETITION.max(repetition.min)));
            repetition.sub = Box::new(bound(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(mut capture) => {
            capture.sub = Box::new(bound(*capture.sub));
            Hir::capture(capture)
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(bound).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(bound).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unbounded_pattern_is_bounded_and_still_matches() {
        let compiled = compile(r"(?i)\bkey\s*=\s*([a-z]+)[^x]*", &[]).unwrap();
        assert!(compiled.reach < 2000);
        let found = compiled.regex.captures(b"KEY = abc").unwrap();
        assert_eq!(&found[1], b"abc");
    }
}
