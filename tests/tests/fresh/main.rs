//! Real agents, driven now: what really happened to each call, held against its receipt.
//!
//! What really happened is known from the script that the model played, from what the person of the
//! test answered, from what the agent itself printed, and from the files that are there afterwards.

#![allow(clippy::indexing_slicing, reason = "a missing value fails the test")]

mod approvals;
mod code_mode;
mod gemini;
mod mcp;
mod network;
mod proprietary;
mod reviewer;
mod sandbox;
mod trail;
