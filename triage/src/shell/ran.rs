//! Which commands of a script ran, as far as its exit code tells.

/// Where a command stands: in a list of commands joined by `&&`, `||` and `|`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Position {
    /// Number of the list.
    pub list: usize,
    /// Whether `&&` or `||` comes before it.
    pub joined: bool,
    /// Whether it is within `if`, a loop, `case` or a function.
    pub perhaps: bool,
}

/// Commands joined by `&&`, `||` and `|`.
#[derive(Debug, Default)]
pub(super) struct List {
    /// Number of the context.
    pub context: usize,
    /// Whether `||` joins any of them.
    pub either: bool,
    /// Whether `|` does.
    pub piped: bool,
    /// Whether nobody waits for it.
    pub background: bool,
}

/// Lists that follow one another: a script, a group, a substitution.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// Where it stands itself.
    pub around: Option<Position>,
    /// Whether its exit code is lost.
    pub substitution: bool,
    /// The last list that has a command.
    pub last: usize,
}

/// Which commands ran, of a script that ended with exit code 0.
pub(super) struct Ran<'a> {
    pub lists: &'a [List],
    pub contexts: &'a [Context],
    /// Whether the exit code that is known is that of the script.
    pub decisive: bool,
}

impl Ran<'_> {
    /// Whether a command ran. What `||` joins did perhaps, or failed, and what `&&` precedes did if its list
    /// ended well, which is known of the last one.
    pub(super) fn certain(&self, at: Position) -> bool {
        let mut at = Some(at);
        while let Some(position) = at {
            let Some(list) = self.lists.get(position.list) else { return false };
            let in_doubt = position.joined && !self.ended_well(position.list);
            if position.perhaps || list.either || in_doubt {
                return false;
            }
            at = self.contexts.get(list.context).and_then(|context| context.around);
        }
        true
    }

    /// Whether the exit code that is known is that of a list.
    fn ended_well(&self, list: usize) -> bool {
        let mut list = list;
        loop {
            let Some(it) = self.lists.get(list) else { return false };
            let Some(context) = self.contexts.get(it.context) else { return false };
            if context.last != list || it.either || it.background || context.substitution {
                return false;
            }
            let Some(around) = context.around else { return self.decisive };
            let piped = self.lists.get(around.list).is_none_or(|list| list.piped);
            if piped || around.perhaps {
                return false;
            }
            list = around.list;
        }
    }

    /// Whether the exit code that is known is 0 only if that of a command is.
    pub(super) fn alone(&self, at: Position) -> bool {
        let piped = self.lists.get(at.list).is_none_or(|list| list.piped);
        !piped && !at.perhaps && self.ended_well(at.list)
    }
}
