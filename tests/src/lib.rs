//! End to end: real agents, real clients, faults.

pub mod agents;
pub mod client;
pub mod guests;
pub mod load;
pub mod model;
