//! Receipts: everything known about one call, each fact with its grade and the rows it rests on.
//!
//! Start reading at [`receipts`]. `derive.rs` holds the rules for every agent, `readings/` what each
//! agent's own words mean, [`tokens`] the words of a receipt, [`model`] its structure, [`address`] how a
//! call is named.

pub mod address;
mod beside;
mod circumstances;
mod derive;
pub mod model;
pub(crate) mod readings;
mod schema;
pub mod tokens;
mod who;

pub(crate) use beside::of_its_process;
use blotter_schemas::tables::Event;

pub use beside::{Beside, HOOKS_RUN};
use circumstances::Circumstances;
pub use model::Receipt;
pub use schema::schema;
pub(crate) use who::WITHHELD_WORDS;

use crate::reconstruct::{Session, attribute_receipts};

/// The receipts of the calls of a session, without those of sessions nested in it, in order of time.
#[must_use]
pub fn receipts(session: &Session, beside: &Beside) -> Vec<Receipt> {
    let calls = address::calls(session);
    let around = Circumstances::new(session, &calls, beside);
    let reading = readings::of(session.agent.value.as_deref().unwrap_or_default());
    calls.iter().map(|call| derive::receipt(call, reading, &around)).collect()
}

/// Says in the receipts of a session of several speakers whose word each fact is. `rows` are the rows that
/// the session was reconstructed from.
pub fn attribute(receipts: &mut [Receipt], session: &Session, rows: &[Event]) {
    attribute_receipts(receipts, session, rows);
}

/// The receipts of a session and of every session nested in it, each session's together.
#[must_use]
pub fn family(session: &Session, beside: &Beside) -> Vec<Receipt> {
    let mut all = receipts(session, beside);
    for nested in &session.sessions {
        all.extend(family(nested, beside));
    }
    all
}
