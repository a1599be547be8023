//! The fuzzer: `cargo xtask fuzz` builds and starts it, with the name of a target in the environment.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls a function of C")]
#![allow(clippy::print_stderr, reason = "the fuzzer talks on standard error")]

use std::sync::LazyLock;

use blotter_fuzz::{TARGETS, Target, VARIABLE};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var(VARIABLE).unwrap_or_default();
    TARGETS.iter().find(|it| it.name == name).unwrap_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|it| it.name).collect();
        eprintln!("{VARIABLE} names no target: it is {name:?}, and there are {}", names.join(", "));
        std::process::exit(2)
    })
});

fuzz_target!(|input: &[u8]| (TARGET.run)(input));
