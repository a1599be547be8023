//! CPU time and peak memory of processes, from `/proc`.

use std::fs;

use anyhow::Context as _;

/// Clock ticks a second in `/proc/*/stat`: USER_HZ, 100 on every Linux that Rust supports.
const TICKS: f64 = 100.0;

/// What a process has used so far.
pub(crate) struct Usage {
    /// User and system time, seconds.
    pub(crate) cpu_seconds: f64,
    /// Peak resident memory, bytes.
    pub(crate) peak_bytes: u64,
}

/// What the process `pid` has used.
pub(crate) fn usage(pid: u32) -> anyhow::Result<Usage> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok())
        .context("no VmHWM")?;
    Ok(Usage { cpu_seconds: stat_seconds(&pid.to_string(), 11)?, peak_bytes: peak * 1024 })
}

/// CPU time of the children this process has waited for, seconds.
pub(crate) fn children_cpu_seconds() -> anyhow::Result<f64> {
    stat_seconds("self", 13)
}

/// The sum of two neighbouring fields of `/proc/PID/stat`, counted after the command's name.
fn stat_seconds(pid: &str, field: usize) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("unexpected /proc/*/stat")?;
    let ticks = fields
        .split_whitespace()
        .skip(field)
        .take(2)
        .map(|ticks| ticks.parse::<f64>())
        .sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS)
}
