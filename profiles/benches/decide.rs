//! Decisions a second and core on a profile of 1,000 rules, beside the aim of a million.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, missing_docs)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use blotter_profiles::decide::Connect;
use blotter_profiles::{Decider, Layer, LayerKind, Place, Request, Requirements, Semantics, Stack};

/// Decisions a second that are aimed at.
const AIM: f64 = 1e6;

fn main() {
    let mut text =
        String::from("[permissions.p]\nextends = ':workspace'\n[permissions.p.filesystem]\n");
    for index in 0..500 {
        let access = ["read", "write", "deny"][index % 3];
        writeln!(text, "'/srv/team{}/project{}/part{index}' = '{access}'", index % 7, index % 31)
            .unwrap();
    }
    for index in 0..150 {
        writeln!(text, "'/w/**/*.secret{index}' = 'deny'").unwrap();
    }
    text.push_str("[permissions.p.network]\nenabled = true\n[permissions.p.network.domains]\n");
    for index in 0..300 {
        let front = ["", "*.", "**."][index % 3];
        let word = if index % 5 == 0 { "deny" } else { "allow" };
        writeln!(text, "'{front}host{index}.example{}.com' = '{word}'", index % 11).unwrap();
    }
    text.push_str("[permissions.p.network.unix_sockets]\n");
    for index in 0..50 {
        writeln!(text, "'/run/socket{index}.sock' = 'allow'").unwrap();
    }
    let layer = Layer::parse(LayerKind::User, "user.toml", &text).unwrap();
    let stack = Stack::new(vec![layer], Requirements::default()).unwrap();
    let started = Instant::now();
    let decider = Decider::new(stack.effective("p").unwrap(), Place::of("/w")).unwrap();
    println!("resolving and compiling 1,000 rules: {:?}", started.elapsed());
    let paths: Vec<String> = (0..64)
        .flat_map(|index| {
            [
                format!("/srv/team{}/project{}/part{index}/src/main.rs", index % 7, index % 31),
                format!("/w/crates/part{index}/src/lib.rs"),
                format!("/w/crates/part{index}/x.secret{index}"),
                format!("/usr/lib/x86_64/part{index}.so"),
            ]
        })
        .collect();
    let hosts: Vec<String> = (0..64)
        .flat_map(|index| {
            [
                format!("host{index}.example{}.com", index % 11),
                format!("api.host{index}.example{}.com", index % 11),
                format!("unknown{index}.example.org"),
            ]
        })
        .collect();
    let sockets: Vec<String> = (0..64).map(|index| format!("/run/socket{index}.sock")).collect();
    for semantics in Semantics::ALL {
        let ask = |request: Request<'_>| {
            black_box(decider.decide(black_box(&request), semantics).verdict);
        };
        rate(&format!("{semantics}: read"), paths.len(), || {
            paths.iter().for_each(|path| ask(Request::Read(path)));
        });
        rate(&format!("{semantics}: write"), paths.len(), || {
            paths.iter().for_each(|path| ask(Request::Write(path)));
        });
        rate(&format!("{semantics}: connect"), hosts.len(), || {
            hosts.iter().for_each(|host| ask(Request::Connect(Connect::to(host))));
        });
        rate(&format!("{semantics}: socket"), sockets.len(), || {
            sockets.iter().for_each(|socket| ask(Request::Socket(socket)));
        });
    }
}

fn rate(name: &str, each: usize, mut work: impl FnMut()) {
    work();
    let started = Instant::now();
    let mut rounds = 0_u32;
    while started.elapsed() < Duration::from_secs(1) {
        work();
        rounds += 1;
    }
    #[allow(clippy::cast_precision_loss)]
    let rate = f64::from(rounds) * each as f64 / started.elapsed().as_secs_f64();
    println!("{name:20} {rate:>12.0} a second, {:.2} of the aim", rate / AIM);
}
