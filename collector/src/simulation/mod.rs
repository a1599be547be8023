//! The line from acknowledgement to archive on a simulated disk: one thread, no clock, and one seed
//! that decides what happens next.
//!
//! [`line`] is the collector's parts behind the receiver, taking steps one by one; [`world`] is a line,
//! its disk and its senders, and what happens to them; [`script`] says in which order. The tests cut
//! the power at every operation in turn ([`power`]), kill the process there ([`death`]), let the disk
//! report errors ([`errors`]), take out one sync after the other ([`syncs`]), do all that while the
//! archive is compacted and cleaned ([`maintenance`]), let chance decide ([`seeds`]), and do it while everything is forwarded to [`remote`] destinations ([`forwarding`]), of which one may be
//! down for an hour ([`outage`]). The [`ledger`] then compares what was acknowledged with what is in the archive.

mod archived;
mod death;
mod errors;
mod forwarding;
mod ledger;
mod line;
mod maintenance;
mod outage;
mod power;
mod remote;
mod restored;
mod script;
mod seeds;
mod syncs;
mod world;
