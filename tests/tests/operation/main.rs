//! Operating a collector: Prometheus scrapes it, alerts are about metrics that there are, what is in
//! `deploy/` is what a collector understands, and its memory is bounded.

#![allow(clippy::indexing_slicing, reason = "a missing value fails the test")]

mod alerts;
mod deploy;
mod memory;
mod prometheus;
mod ready;
