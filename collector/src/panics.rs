//! Panics without what they may quote.

use std::panic::{self, PanicHookInfo};

/// Replaces the message of every panic of this process by the place it happened in, where the message
/// was made from values: those may be telemetry. For programs that run a collector, before it starts.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        tracing::error!("panic in thread `{thread}` at {place}: {}", message(info));
    }));
}

/// A message that stands in the program as it is says nothing of the values it met.
fn message<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let fixed: Option<&&'static str> = info.payload().downcast_ref();
    fixed.map_or("(the message may quote telemetry and is withheld)", |message| message)
}
