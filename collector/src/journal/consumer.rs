//! Who reads the journal.

/// A reader of the journal that remembers, durably, how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consumer {
    /// Its name, and that of its cursor's file.
    pub name: String,
    /// The most bytes of the journal that may wait for it before requests are refused; none: as many as
    /// the journal may have.
    pub holds: Option<u64>,
    /// Whether it goes on with what is left where records that it lacks were deleted while it was away,
    /// because nobody who was there needed them.
    pub may_miss: bool,
}

impl From<&'static str> for Consumer {
    /// One that must have everything.
    fn from(name: &'static str) -> Self {
        Self { name: name.to_owned(), holds: None, may_miss: false }
    }
}
