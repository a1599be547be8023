//! What is remembered, for how long, and whose it is.

use blotter_schemas::otlp::{Encoding, Signal};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const START: i64 = 1_795_219_200_000_000_000;
const HOUR: i64 = 3_600_000_000_000;

fn request() -> Record {
    Record {
        received_unix_nano: START,
        signal: Signal::Logs,
        encoding: Encoding::Protobuf,
        peer: Some("127.0.0.1:50000".to_owned()),
        sender: Some("laptop".to_owned()),
        tenant: None,
        count: 1,
        redaction_version: 0,
        redactions: Bytes::new(),
        body: Bytes::from_static(b"body"),
    }
}

fn digest(number: u64) -> Digest {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Digest(bytes)
}

/// Remembers request `number`, which has that position too.
fn add(digests: &mut Digests, number: u64, received_unix_nano: i64) {
    digests.add(Taken { digest: digest(number), position: number, received_unix_nano });
}

#[test]
fn the_same_request_has_the_same_digest_over_a_new_connection_and_later() {
    let again = Record {
        peer: Some("127.0.0.1:50001".to_owned()),
        received_unix_nano: START + HOUR,
        ..request()
    };
    assert_eq!(Digest::of(&request()), Digest::of(&again));
}

#[test]
fn another_sender_signal_encoding_or_body_is_another_request() {
    let others = [
        Record { sender: Some("desktop".to_owned()), ..request() },
        Record { sender: Some(String::new()), ..request() },
        Record { sender: None, ..request() },
        Record { signal: Signal::Metrics, ..request() },
        Record { encoding: Encoding::Json, ..request() },
        Record { body: Bytes::from_static(b"bodY"), ..request() },
        // What one field loses the next one gains.
        Record {
            sender: Some("lapto".to_owned()),
            body: Bytes::from_static(b"pbody"),
            ..request()
        },
    ];
    let mut digests: Vec<_> = others.iter().map(Digest::of).collect();
    digests.push(Digest::of(&request()));
    let different: std::collections::HashSet<_> = digests.iter().collect();
    assert_eq!(different.len(), digests.len());
}

#[test]
fn a_request_is_remembered_for_a_day_and_then_forgotten() {
    let mut digests = Digests::new(ROOM);
    for hour in 0..48 {
        add(&mut digests, hour, START + i64::try_from(hour).unwrap() * HOUR);
    }
    let now = START + 47 * HOUR;
    assert_eq!(digests.find(&digest(22), now), None);
    assert_eq!(digests.find(&digest(23), now), Some(23));
    assert_eq!(digests.find(&digest(47), now), Some(47));
    assert_eq!(digests.take_counts(), Counts { again: 2, crowded_out: 0 });
}

#[test]
fn a_clock_that_jumps_ahead_does_not_make_everything_forgotten() {
    let mut digests = Digests::new(ROOM);
    add(&mut digests, 1, START);
    // To the year 2200 and beyond what can be said at all.
    for later in [START + 200 * 365 * 24 * HOUR, i64::MAX] {
        assert_eq!(digests.find(&digest(1), later), Some(1));
    }
    add(&mut digests, 2, i64::MAX);
    assert_eq!(digests.find(&digest(1), START), Some(1));
}

#[test]
fn a_clock_that_was_put_back_keeps_nothing_for_ever() {
    let mut digests = Digests::new(ROOM);
    add(&mut digests, 1, START);
    add(&mut digests, 2, 0);
    assert_eq!(digests.find(&digest(1), 0), Some(1));
    for hour in 1..=25 {
        add(&mut digests, 2 + hour, i64::try_from(hour).unwrap() * HOUR);
    }
    assert_eq!(digests.find(&digest(1), 25 * HOUR), None);
    assert_eq!(digests.find(&digest(2), 25 * HOUR), None);
    assert_eq!(digests.find(&digest(4), 25 * HOUR), Some(4));
}

#[test]
fn no_more_than_there_is_room_for_are_remembered_and_what_goes_early_is_counted() {
    let mut digests = Digests::new(3);
    for number in 0..10 {
        add(&mut digests, number, START);
    }
    assert_eq!(digests.first(), Some(7));
    assert_eq!((digests.taken.len(), digests.positions.len()), (3, 3));
    assert_eq!(digests.find(&digest(6), START), None);
    assert_eq!(digests.take_counts().crowded_out, 7);
}

proptest! {
    /// Against a list that is searched from end to end.
    #[test]
    fn whatever_the_clock_does_what_is_found_is_what_was_taken_within_a_day(
        requests in proptest::collection::vec((0_u64..12, any::<bool>(), -30_i64..30), 1..120)
    ) {
        const SMALL: usize = 20;
        let mut digests = Digests::new(SMALL);
        let mut model: Vec<(u64, u64, i64)> = Vec::new();
        let mut now = START;
        // What was too old once stays forgotten, also when the clock is put back.
        let mut forgotten = 0;
        for (position, (number, jump, hours)) in (0..).zip(requests) {
            now += if jump { hours * 24 * HOUR } else { hours.abs() * HOUR / 10 };
            let age = |from: usize, model: &[(u64, u64, i64)]| -> i64 {
                let times = model[from..].iter().map(|it| it.2).chain([now]).collect::<Vec<_>>();
                times.windows(2).map(|pair| (pair[1] - pair[0]).clamp(0, HOUR)).sum()
            };
            let young = |at: &usize| age(*at, &model) <= 24 * HOUR;
            forgotten = forgotten.max((0..model.len()).find(young).unwrap_or(model.len()));
            let expected = (forgotten..model.len())
                .rev()
                .take(SMALL)
                .find(|at| model[*at].0 == number)
                .map(|at| model[at].1);
            prop_assert_eq!(digests.find(&digest(number), now), expected);
            if expected.is_none() {
                model.push((number, position, now));
                digests.add(Taken { digest: digest(number), position, received_unix_nano: now });
            }
            prop_assert_eq!(digests.taken.len() >= digests.positions.len(), true);
            prop_assert!(digests.taken.len() <= SMALL);
        }
    }
}

#[test]
fn the_age_of_what_a_consumer_lacks_is_that_of_the_request_it_stands_in() {
    let mut digests = Digests::new(2);
    assert_eq!(digests.received(0), None);
    for (position, age) in [(0, 1), (10, 2), (20, 3)] {
        add(&mut digests, position, START + age);
    }
    // The first is forgotten: the answer is the oldest that is left.
    for (position, age) in [(0, 2), (9, 2), (10, 2), (19, 2), (20, 3), (25, 3)] {
        assert_eq!(digests.received(position), Some(START + age), "{position}");
    }
}
