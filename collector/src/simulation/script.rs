//! What happens, in which order.

use blotter_disk::simulated::Random;

use super::line::Step;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The line takes a step.
    Step(Step),
    /// The process is killed and started again.
    Restart,
}

/// One of everything: requests alone and in groups, large and small, journal segments that are made
/// ahead and on the spot, commits to one table and to several, a cursor, a deleted segment, a restart.
pub(super) fn everything() -> Vec<Event> {
    use Step::{Collect, Commit, Flush, Prepare, Send, Write};
    let steps = [
        // Two requests in one group, one alone; the first commits go to two tables.
        Send(0),
        Send(1),
        Write,
        Collect,
        Send(2),
        Write,
        Flush,
        Commit,
        // More arrives while a commit is on its way; the first segment is full.
        Send(3),
        Write,
        Commit,
        Prepare,
        Send(4),
        Send(8),
        Write,
        Write,
        Commit,
        Commit,
        // A larger segment than usual; every table has rows.
        Collect,
        Send(6),
        Write,
        Flush,
        Commit,
        Commit,
        Send(13),
        Write,
        Prepare,
        Commit,
        Commit,
        Send(7),
        Send(9),
        Write,
        Flush,
        Commit,
        Commit,
    ];
    let after = [
        // What the last process read but did not commit is read again.
        Collect,
        Flush,
        Commit,
        Send(11),
        Write,
        Commit,
        Commit,
        Commit,
        Send(18),
        Write,
        Flush,
        Commit,
        Commit,
        Send(12),
        Write,
        Commit,
        Flush,
        Commit,
        Commit,
        Commit,
    ];
    let mut events: Vec<_> = steps.into_iter().map(Event::Step).collect();
    events.push(Event::Restart);
    events.extend(after.into_iter().map(Event::Step));
    events
}

/// What is forwarded: batches of one request and of several, sent while more arrives, a deleted segment
/// that both destinations and the archive have passed, a restart with a batch on its way.
pub(super) fn forwarded() -> Vec<Event> {
    use Step::{Collect, Commit, Flush, Forward, ForwardAll, Send, Write};
    let step = |steps: &[Step]| steps.iter().copied().map(Event::Step).collect::<Vec<_>>();
    let mut events = step(&[Send(0), Send(1), Write, Forward, Forward, Send(2), Write, Forward]);
    events.extend(step(&[ForwardAll; 6]));
    events.extend(step(&[Send(3), Write, Send(4), Send(8), Write, Write, Collect, Flush]));
    events.extend(step(&[Commit; 4]));
    events.extend(step(&[ForwardAll; 9]));
    events.push(Event::Restart);
    events.extend(step(&[ForwardAll; 5]));
    events.extend(step(&[Send(13), Write, Send(6), Write, Flush, Commit, Commit, Commit]));
    events.extend(step(&[ForwardAll; 14]));
    events
}

/// Events drawn by chance; `next` is the number of the next request.
pub(super) fn random(random: &mut Random, next: &mut u64, length: usize) -> Vec<Event> {
    let mut draw = || match random.below(20) {
        0..5 => {
            *next += 1;
            Step::Send(*next)
        }
        5..8 => Step::Write,
        8 => Step::Prepare,
        9..11 => Step::Collect,
        11 => Step::Flush,
        12..16 => Step::Commit,
        16..18 => Step::Forward,
        _ => Step::ForwardAll,
    };
    (0..length).map(|_| Event::Step(draw())).collect()
}
