//! How a call is named: `SESSION/CALL`, or `SESSION/@n` where the agent gives it no id.

use std::fmt;

use crate::Error;
use crate::receipt::Receipt;
use crate::reconstruct::Session;
use crate::reconstruct::model::{Call, Entry};

/// What parts a session from a call, and begins a number.
const SEPARATOR: char = '/';
const NUMBER: char = '@';

/// A call with its place in its session.
#[derive(Debug)]
pub(crate) struct Addressed<'a> {
    /// The call.
    pub call: &'a Call,
    /// Its address.
    pub address: String,
    /// Turn that it was made in.
    pub turn: Option<usize>,
    /// The call around it, by its number.
    pub within: Option<usize>,
}

/// The calls of a session, without those of sessions nested in it, in order of their numbers.
pub(crate) fn calls(session: &Session) -> Vec<Addressed<'_>> {
    let mut found = Vec::new();
    let outside = session.outside.iter().map(|entry| (None, entry));
    let in_turns = session
        .turns
        .iter()
        .flat_map(|turn| turn.entries.iter().map(|entry| (Some(turn.number), entry)));
    for (turn, entry) in outside.chain(in_turns) {
        if let Entry::Call(call) = entry {
            add(&session.session_id, call, turn, None, &mut found);
        }
    }
    found.sort_by_key(|addressed| addressed.call.number);
    found
}

fn add<'a>(
    session_id: &str,
    call: &'a Call,
    turn: Option<usize>,
    within: Option<usize>,
    found: &mut Vec<Addressed<'a>>,
) {
    found.push(Addressed { call, address: address(session_id, call), turn, within });
    for inner in &call.calls {
        add(session_id, inner, turn, Some(call.number), found);
    }
}

/// The address of a call of this session.
pub(crate) fn address(session_id: &str, call: &Call) -> String {
    match &call.call_id {
        Some(call_id) => format!("{session_id}{SEPARATOR}{call_id}"),
        None => format!("{session_id}{SEPARATOR}{NUMBER}{}", call.number),
    }
}

/// A call as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Start of the session's id; absent where only the call is named.
    pub session: Option<String>,
    /// The call.
    pub call: CallName,
}

/// The part of an address that names the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallName {
    /// By its id.
    Id(String),
    /// By its place in the session, from 1.
    Number(usize),
}

impl Named {
    /// Reads `SESSION/CALL`, `SESSION/@n`, or a call id alone. An id may hold a `/` itself: what stands
    /// before the first one is the session.
    ///
    /// # Errors
    /// [`Error::NoAddress`] for what names no call.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let no_address = || Error::NoAddress { text: text.to_owned() };
        let (session, call) = match text.split_once(SEPARATOR) {
            Some(("", _)) => return Err(no_address()),
            Some((session, call)) => (Some(session.to_owned()), call),
            None => (None, text),
        };
        let call = match call.strip_prefix(NUMBER) {
            Some(number) if session.is_some() => {
                let number = number.parse().ok().filter(|number| *number > 0);
                CallName::Number(number.ok_or_else(no_address)?)
            }
            _ if call.is_empty() => return Err(no_address()),
            _ => CallName::Id(call.to_owned()),
        };
        Ok(Self { session, call })
    }

    /// Whether the receipt is of the call that is meant, in a session that is.
    #[must_use]
    pub fn means(&self, receipt: &Receipt) -> bool {
        match &self.call {
            CallName::Id(id) => receipt.call_id.as_ref() == Some(id),
            CallName::Number(number) => receipt.number == *number,
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(session) = &self.session {
            write!(formatter, "{session}{SEPARATOR}")?;
        }
        match &self.call {
            CallName::Id(id) => formatter.write_str(id),
            CallName::Number(number) => write!(formatter, "{NUMBER}{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(Option<String>, CallName)> {
        Named::parse(text).ok().map(|named| (named.session, named.call))
    }

    #[test]
    fn an_address_names_a_call_by_id_or_by_number_and_an_id_alone_is_one() {
        let session = Some("01a1".to_owned());
        assert_eq!(parsed("01a1/call_7"), Some((session.clone(), CallName::Id("call_7".into()))));
        assert_eq!(parsed("01a1/@3"), Some((session.clone(), CallName::Number(3))));
        assert_eq!(parsed("01a1/a/b"), Some((session, CallName::Id("a/b".into()))));
        assert_eq!(parsed("call_7"), Some((None, CallName::Id("call_7".into()))));
        assert_eq!(parsed("@3"), Some((None, CallName::Id("@3".into()))));
        for text in ["", "/", "/x", "01a1/", "01a1/@", "01a1/@0", "01a1/@x"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
