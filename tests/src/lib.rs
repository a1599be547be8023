//! End to end: real agents, real clients, faults.

pub mod load;
