//! From the agent's thread to the collector: a bounded queue, one thread that encodes and sends, and a
//! bounded spool on disk for the time in which the collector cannot be reached.
//!
//! The agent's thread only puts a record into the [`queue`]. Everything else happens on one thread with a
//! runtime of its own ([`worker`]): records become batches ([`encode`]), which wait in the [`outbox`], in
//! memory or in the [`spool`], until the [`sender`] has had them acknowledged, in order.

pub(crate) mod encode;
pub(crate) mod environment;
pub(crate) mod outbox;
pub(crate) mod queue;
pub(crate) mod sender;
pub(crate) mod spool;
pub(crate) mod ticket;
pub(crate) mod worker;
