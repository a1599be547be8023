//! What a forwarder says about its destination: in the log, and as events of the collector.

use std::time::Duration;

use blotter_schemas::names::blotter::{self as names, events};

use super::batch::Parcel;
use super::dead_letters::Removed;
use super::forwarder::Work;
use super::outcome::joined;
use crate::journal::Shed;
use crate::own_events::{OwnEvent, Told};

impl Work {
    /// The destination has taken a request without some of its records.
    pub(super) fn tell_rejected(&self, parcel: &Parcel, rejected: u64, message: &str) {
        let took = format!(
            "{} took a request without {rejected} of its {} records",
            self.name, parcel.records
        );
        let text = joined(&took, message);
        let attributes = vec![
            (names::BLOTTER_COLLECTOR_RECORDS, Told::Number(rejected)),
            (names::BLOTTER_COLLECTOR_SIGNAL, Told::text(parcel.signal.name())),
            (names::BLOTTER_COLLECTOR_REASON, Told::text(message)),
        ];
        self.tell(events::BLOTTER_COLLECTOR_FORWARD_REJECTED, text, attributes);
    }

    /// A request was set aside in `file`; `from` is where its batch begins.
    pub(super) fn tell_dead_letter(
        &self,
        parcel: &Parcel,
        from: u64,
        file: &str,
        status: &str,
        reason: &str,
    ) {
        let text = format!(
            "{} will not take {} records, which were set aside in {file}; {}",
            self.name,
            parcel.records,
            joined(status, reason)
        );
        let attributes = vec![
            (names::BLOTTER_COLLECTOR_RECORDS, Told::Number(parcel.records)),
            (names::BLOTTER_COLLECTOR_POSITION, Told::Number(from)),
            (names::BLOTTER_COLLECTOR_SIGNAL, Told::text(parcel.signal.name())),
            (names::BLOTTER_COLLECTOR_STATUS, Told::text(status)),
            (names::BLOTTER_COLLECTOR_REASON, Told::text(reason)),
            (names::BLOTTER_COLLECTOR_FILE, Told::text(file)),
        ];
        self.tell(events::BLOTTER_COLLECTOR_FORWARD_DEAD_LETTER, text, attributes);
    }

    /// A dead letter was removed.
    pub(super) fn tell_removed(&self, letter: &Removed) {
        let reason = "there was no room for newer dead letters";
        let text = format!(
            "{} dead letter {} of {} records was removed: {reason}",
            self.name, letter.file, letter.records
        );
        let attributes = vec![
            (names::BLOTTER_COLLECTOR_RECORDS, Told::Number(letter.records)),
            (names::BLOTTER_COLLECTOR_REASON, Told::text(reason)),
            (names::BLOTTER_COLLECTOR_FILE, Told::text(&letter.file)),
        ];
        self.tell(events::BLOTTER_COLLECTOR_FORWARD_REMOVED, text, attributes);
    }

    /// The destination has taken nothing for so long.
    pub(super) fn tell_down(&self, since: Duration, reason: &str) {
        let text = format!("{} has taken nothing for {} s: {reason}", self.name, since.as_secs());
        let attributes = vec![(names::BLOTTER_COLLECTOR_REASON, Told::text(reason))];
        self.tell(events::BLOTTER_COLLECTOR_FORWARD_DOWN, text, attributes);
    }

    /// The destination takes something again after it was told to be down.
    pub(super) fn tell_recovered(&self) {
        self.events.tell(OwnEvent {
            name: events::BLOTTER_COLLECTOR_FORWARD_RECOVERED,
            is_warning: false,
            text: format!("{} takes records again", self.name),
            attributes: vec![(names::BLOTTER_COLLECTOR_DESTINATION, Told::text(&self.name))],
        });
    }

    /// The event that records are given up; the log says so at once.
    pub(super) fn shed(&self, Shed { from, to }: Shed, reason: &str) -> OwnEvent {
        let text = format!("{} does not get records {from} to {to}: {reason}", self.name);
        let attributes = vec![
            (names::BLOTTER_COLLECTOR_RECORDS, Told::Number(to.saturating_sub(from))),
            (names::BLOTTER_COLLECTOR_POSITION, Told::Number(from)),
            (names::BLOTTER_COLLECTOR_REASON, Told::text(reason)),
        ];
        self.event(events::BLOTTER_COLLECTOR_FORWARD_SHED, text, attributes)
    }

    fn tell(&self, name: &'static str, text: String, attributes: Vec<(&'static str, Told)>) {
        self.events.tell(self.event(name, text, attributes));
    }

    fn event(
        &self,
        name: &'static str,
        text: String,
        attributes: Vec<(&'static str, Told)>,
    ) -> OwnEvent {
        tracing::warn!(destination = self.name, "{text}");
        let mut all = vec![(names::BLOTTER_COLLECTOR_DESTINATION, Told::text(&self.name))];
        all.extend(attributes);
        OwnEvent { name, is_warning: true, text, attributes: all }
    }
}
