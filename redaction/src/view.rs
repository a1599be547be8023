//! Ways to read a text: as it stands, and with JSON escapes or URL encoding taken away. Each view knows
//! where its bytes stand in the text it was made from, so that a secret found in a view is cut out of
//! the text itself, escapes and all.

use std::borrow::Cow;
use std::ops::Range;

/// How many layers of JSON strings within JSON strings are opened.
const LAYERS: usize = 3;

/// From `view` on, bytes stand at `origin` on; one by one unless `whole`, when they all come from the
/// escape that begins there.
#[derive(Debug, Clone, Copy)]
struct Step {
    view: usize,
    origin: usize,
    whole: bool,
}

/// A text read in one way.
#[derive(Debug)]
pub(crate) struct View<'a> {
    /// The bytes as they read.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Maps to the text, one per layer, the outermost last.
    maps: Vec<Vec<Step>>,
}

impl<'a> View<'a> {
    /// Every way to read `text`, as it stands first.
    pub(crate) fn all(text: &'a [u8]) -> Vec<Self> {
        let mut views = vec![View { bytes: Cow::Borrowed(text), maps: Vec::new() }];
        for layer in 0..LAYERS {
            let Some(next) = views.get(layer).and_then(View::without_json_escapes) else {
                break;
            };
            views.push(next);
        }
        let decoded: Vec<_> = views.iter().filter_map(View::without_percent_escapes).collect();
        views.extend(decoded);
        views
    }

    /// How many encodings were taken away.
    pub(crate) fn depth(&self) -> usize {
        self.maps.len()
    }

    /// Where a part of the view stands in the text.
    pub(crate) fn origin(&self, part: Range<usize>) -> Range<usize> {
        self.maps.iter().fold(part, |part, steps| locate(steps, part.start, part.end))
    }

    fn derive(&self, bytes: Vec<u8>, steps: Vec<Step>) -> View<'static> {
        let mut maps = vec![steps];
        maps.extend(self.maps.iter().cloned());
        View { bytes: Cow::Owned(bytes), maps }
    }

    fn without_json_escapes(&self) -> Option<View<'static>> {
        let (bytes, steps) = decode(&self.bytes, b'\\', json_escape)?;
        Some(self.derive(bytes, steps))
    }

    fn without_percent_escapes(&self) -> Option<View<'static>> {
        let (bytes, steps) = decode(&self.bytes, b'%', percent_escape)?;
        Some(self.derive(bytes, steps))
    }
}

fn locate(steps: &[Step], start: usize, end: usize) -> Range<usize> {
    let at = |position: usize| {
        let index = steps.partition_point(|step| step.view <= position).checked_sub(1)?;
        Some((steps.get(index)?, steps.get(index + 1)))
    };
    let first = at(start).map_or(start, |(step, _)| {
        if step.whole { step.origin } else { step.origin + (start - step.view) }
    });
    // The end is where the last byte's source ends.
    let last = end.saturating_sub(1).max(start);
    let after = at(last).map_or(end, |(step, next)| match next {
        Some(next) if step.whole => next.origin,
        _ => step.origin + (last - step.view) + 1,
    });
    first..after.max(first)
}

/// Takes escapes away; none where there is no escape.
fn decode(
    text: &[u8],
    lead: u8,
    escape: fn(&[u8], &mut Vec<u8>) -> Option<usize>,
) -> Option<(Vec<u8>, Vec<Step>)> {
    memchr::memchr(lead, text)?;
    let mut out = Vec::with_capacity(text.len());
    let mut steps = vec![Step { view: 0, origin: 0, whole: false }];
    let (mut from, mut search) = (0, 0);
    while let Some(found) = memchr::memchr(lead, text.get(search..)?) {
        let at = search + found;
        let view = out.len() + (at - from);
        let mut decoded = Vec::new();
        let Some(length) = escape(text.get(at..)?, &mut decoded) else {
            search = at + 1;
            continue;
        };
        out.extend_from_slice(text.get(from..at)?);
        steps.push(Step { view, origin: at, whole: true });
        out.extend_from_slice(&decoded);
        from = at + length;
        search = from;
        steps.push(Step { view: out.len(), origin: from, whole: false });
    }
    if steps.len() == 1 {
        return None;
    }
    out.extend_from_slice(text.get(from..)?);
    Some((out, steps))
}

fn json_escape(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let plain = match text.get(1)? {
        byte @ (b'"' | b'\\' | b'/') => *byte,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'u' => {
            let unit = hexadecimal(text.get(2..6)?)?;
            // Half of a pair stays as it is: no secret is written in it.
            let character = char::from_u32(unit)?;
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(6);
        }
        _ => return None,
    };
    out.push(plain);
    Some(2)
}

fn percent_escape(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    out.push(u8::try_from(hexadecimal(text.get(1..3)?)?).ok()?);
    Some(3)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_view_is_found_in_the_text_escapes_and_all() {
        let text = br#"{\"a\":\"\u0073k-x\ny\"} %73z"#;
        let views = View::all(text);
        let read = |view: &View<'_>, part: &str| {
            let start = memchr::memmem::find(&view.bytes, part.as_bytes()).unwrap();
            let range = view.origin(start..start + part.len());
            String::from_utf8(text[range].to_vec()).unwrap()
        };
        assert_eq!(read(&views[1], "sk-x\ny"), r"\u0073k-x\ny");
        assert_eq!(read(&views[1], "k-x"), "k-x");
        assert_eq!(read(views.last().unwrap(), "sz"), "%73z");
    }

    #[test]
    fn layers_of_json_are_opened_one_by_one() {
        let mut text = "a\"b".to_owned();
        for _ in 0..3 {
            text = serde_json::to_string(&text).unwrap();
        }
        let views = View::all(text.as_bytes());
        assert!(views.iter().any(|view| memchr::memmem::find(&view.bytes, b"a\"b").is_some()));
    }
}
