//! Any text as a layer and as requirements: nothing panics, and what is read can be resolved, asked,
//! compared and looked at.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| blotter_profiles::exercise(text));
