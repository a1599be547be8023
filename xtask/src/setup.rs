//! `cargo xtask setup`: installs what a bare Debian machine lacks for the tests.
//!
//! Each step looks first and does nothing where its thing is already there. What the tests drive as
//! guests (agents, Python) may be missing elsewhere than on CI: their tests are then skipped and say so.

pub(crate) mod cargo_deny;
mod debian;
mod npm;
mod prometheus;
mod python;

use std::fs;
use std::time::Instant;

use crate::tools;

/// A thing to install.
struct Step {
    name: &'static str,
    /// Whether the tests can run without it, leaving some out.
    guest: bool,
    /// Installs it where it is missing.
    install: fn() -> anyhow::Result<Outcome>,
}

/// What a step found or did.
enum Outcome {
    Present,
    Installed,
}

const STEPS: [Step; 7] = [
    Step { name: "Debian packages", guest: true, install: debian::install },
    Step { name: "cargo-deny", guest: false, install: cargo_deny::install },
    Step { name: "agents from npm", guest: true, install: npm::install_agents },
    Step { name: "SDK for JavaScript", guest: true, install: npm::install_sdk },
    Step { name: "Prometheus", guest: true, install: prometheus::install },
    Step { name: "Python packages", guest: true, install: python::install },
    Step { name: "Arize Phoenix", guest: true, install: python::install_phoenix },
];

/// Installs everything; gives the names of the guests that could not be installed.
///
/// # Errors
/// When something indispensable cannot be installed; on CI, when anything cannot.
pub(crate) fn run() -> anyhow::Result<Vec<&'static str>> {
    fs::create_dir_all(tools::folder())?;
    let mut missing = Vec::new();
    for step in STEPS {
        let start = Instant::now();
        match (step.install)() {
            Ok(Outcome::Present) => println!("   {}: present", step.name),
            Ok(Outcome::Installed) => {
                println!("   {}: installed in {:.1} s", step.name, start.elapsed().as_secs_f64());
            }
            Err(error) if step.guest && !tools::on_ci() => {
                println!(
                    "   {}: NOT installed, tests that need it are skipped: {error:#}",
                    step.name
                );
                missing.push(step.name);
            }
            Err(error) => return Err(error.context(format!("setup of {} failed", step.name))),
        }
    }
    Ok(missing)
}
