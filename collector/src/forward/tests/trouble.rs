//! What goes wrong on either side: nobody else pays for it, nothing is lost, and the status says so.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::commit::{Mode, Signal};
use crate::forward::thread::{forward, run};

const SECOND: Duration = Duration::from_secs(1);

/// Waits until something is so.
async fn until(mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < deadline, "it does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The one file of the journal with this ending.
fn file(data: &Path, ending: &str) -> PathBuf {
    let files = fs::read_dir(data.join("journal")).unwrap().map(|it| it.unwrap().path());
    files.into_iter().find(|it| it.to_string_lossy().ends_with(ending)).unwrap()
}

#[tokio::test]
async fn for_a_destination_that_never_answers_the_oldest_are_given_up_while_it_is_waited_for() {
    // As soon as its answer is late; or earlier, when the journal would soon be full.
    for (patience, records) in [(Duration::from_millis(1), 10), (3600 * SECOND, 100)] {
        sheds_while_it_hangs(patience, records).await;
    }
}

async fn sheds_while_it_hangs(patience: Duration, records: u64) {
    let toml = "budget_bytes = 20000\nbatch = { records = 1 }";
    let mut bench = Bench::new(toml, Vec::new());
    bench.forwarder.deliver_to().hangs = true;
    bench.forwarder.work().patience = patience;
    let attempts = Arc::clone(&bench.forwarder.deliver_to().attempts);
    let Bench { journal, forwarder, status, data, .. } = bench;
    let (signal, published) = (Signal::new(), journal.published());
    let sending = async {
        journal.append(record("first", 1, None), None).await.unwrap();
        until(|| attempts.load(Ordering::Relaxed) > 0).await;
        for number in 0..records {
            journal.append(record(&number.to_string(), 1, None), None).await.unwrap();
        }
        journal.advance("archive", records + 1).unwrap();
        until(|| status.counts().shed > 0).await;
        until(|| journal.backlog("forward-a") <= 20_000).await;
        assert!(status.failing().is_some_and(|it| it.contains("no answer for")));
    };
    tokio::select! {
        () = run(forwarder, "a", published, &signal) => panic!("it was not told to end"),
        () = sending => {}
    }
    drop(data);
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_shows_in_the_status_until_it_can() {
    let bench = Bench::new("batch = { records = 1 }", Vec::new());
    bench.append([record("a", 1, None)]).await.unwrap();
    let segment = file(bench.data.path(), ".segment");
    let whole = fs::read(&segment).unwrap();
    let mut damaged = whole.clone();
    damaged[4096..4200].fill(0xff);
    fs::write(&segment, damaged).unwrap();
    let Bench { journal, forwarder, status, data, got, .. } = bench;
    let (signal, published) = (Signal::new(), journal.published());
    let watching = async {
        until(|| status.failing().is_some()).await;
        let failing = status.failing().unwrap();
        assert!(failing.contains(".segment"), "{failing}");
        fs::write(&segment, whole).unwrap();
        until(|| status.failing().is_none()).await;
        until(|| !got.lock().unwrap().is_empty()).await;
        signal.set(Mode::Abandon);
    };
    tokio::join!(run(forwarder, "a", published, &signal), watching);
    drop(data);
}

#[tokio::test]
async fn a_cursor_that_could_not_be_written_is_no_failure_any_more_once_it_was() {
    let mut bench = Bench::new("", Vec::new());
    bench.append([record("a", 1, None)]).await.unwrap();
    let cursor = file(bench.data.path(), "forward-a.cursor");
    let aside = cursor.with_extension("aside");
    fs::rename(&cursor, &aside).unwrap();
    fs::create_dir(&cursor).unwrap();
    loop {
        match bench.forwarder.step(true).await.unwrap() {
            Step::Onward => {}
            Step::Later(_) => break,
            other => panic!("{other:?}"),
        }
    }
    let failing = bench.status.failing().unwrap();
    assert!(failing.contains("forward-a.cursor"), "{failing}");
    // Taken it was: nobody tries to send anything again.
    assert_eq!(bench.status.counts().retries, 0);
    fs::remove_dir(&cursor).unwrap();
    fs::rename(&aside, &cursor).unwrap();
    bench.finish().await;
    assert_eq!(bench.status.failing(), None);
    assert_eq!(*bench.got.lock().unwrap(), [["a"]]);
}

#[tokio::test]
async fn a_request_that_cannot_be_read_has_a_dead_letter_of_its_own() {
    let mut bench = Bench::new("", vec![never(false)]);
    let unfit = Record {
        encoding: Encoding::Json,
        body: Bytes::from_static(b"{"),
        ..record("unfit", 1, None)
    };
    // It lies at position 1; part 1 is the whole of the others.
    bench.append([record("a", 1, None), unfit]).await.unwrap();
    bench.finish().await;
    let statuses: Vec<String> = bench.letters().into_iter().map(|it| it.status).collect();
    assert_eq!(statuses.len(), 2, "{statuses:?}");
    assert!(statuses.contains(&"not sent".to_owned()), "{statuses:?}");
}

#[tokio::test]
async fn a_letter_that_somebody_else_removed_is_no_error() {
    let mut bench = Bench::new("batch = { records = 1 }", vec![never(false)]);
    bench.append([record("a", 1, None)]).await.unwrap();
    bench.finish().await;
    let letters = bench.letters();
    drop_dead_letter(bench.data.path(), &letters[0]).unwrap();
    let retried =
        retry_dead_letter(bench.data.path(), &letters[0], &bench.destination).await.unwrap();
    assert_eq!(format!("{retried:?}"), "Gone");
}

#[tokio::test]
async fn an_answer_that_does_not_come_shows_in_the_status_before_its_time_is_over() {
    let mut bench = Bench::new("batch = { records = 1 }", Vec::new());
    bench.forwarder.deliver_to().hangs = true;
    bench.forwarder.work().patience = Duration::from_millis(100);
    bench.append([record("a", 1, None)]).await.unwrap();
    let Bench { journal, forwarder, status, data, .. } = bench;
    let (signal, published) = (Signal::new(), journal.published());
    tokio::select! {
        () = run(forwarder, "a", published, &signal) => panic!("it was not told to end"),
        () = until(|| status.failing().is_some_and(|it| it.contains("no answer for"))) => {}
    }
    drop(data);
}

#[tokio::test]
async fn a_thread_that_ended_by_itself_shows_in_the_status() {
    let bench = Bench::new("batch = { records = 1 }", Vec::new());
    bench.append([record("a", 1, None)]).await.unwrap();
    let told = Told { panics: true, ..Told::default() };
    let Bench { journal, forwarder, status, data, .. } = bench;
    let (work, published) = (forwarder.into_work(), journal.published());
    let thread = std::thread::spawn(move || forward(work, told, "a", published, &Signal::new()));
    assert!(thread.join().is_err());
    let failing = status.failing().unwrap();
    assert!(failing.contains("panic") && failing.contains("restart"), "{failing}");
    drop(data);
}

#[tokio::test]
async fn who_answers_like_no_backend_is_told_of_until_one_answers() {
    let mut bench = Bench::new(
        "batch = { records = 1 }",
        vec![delivered(Some("text/html")), delivered(Some("text/html"))],
    );
    bench.append(["a", "b"].map(|name| record(name, 1, None))).await.unwrap();
    bench.finish().await;
    let counts = bench.status.counts();
    assert_eq!((counts.forwarded, counts.unexpected_answers), (2, 2));
    assert!(bench.status.warning().is_some_and(|it| it.contains("text/html")));
    bench.append([record("c", 1, None)]).await.unwrap();
    bench.finish().await;
    assert_eq!(bench.status.warning(), None);
}

#[tokio::test]
async fn a_pause_that_was_asked_for_is_not_cut_short_by_the_end_nor_by_a_start() {
    let asked = Outcome::Later { reason: "busy".to_owned(), after: Some(600 * SECOND) };
    let mut bench = Bench::new("batch = { records = 1 }", vec![asked]);
    bench.append([record("a", 1, None)]).await.unwrap();
    let attempts = Arc::clone(&bench.forwarder.deliver_to().attempts);
    let Bench { journal, forwarder, status, data, destination, .. } = bench;
    let pause = Pause::new(Arc::new(LocalDisk), journal.folder(), &destination);
    let (signal, published) = (Signal::new(), journal.published());
    let ending = async {
        until(|| status.failing().is_some()).await;
        signal.set(Mode::Finish);
    };
    tokio::join!(run(forwarder, "a", published, &signal), ending);
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    assert!(pause.left().is_some_and(|left| left > 300 * SECOND));
    assert!(!status.is_complete());
    drop(data);
}

#[tokio::test]
async fn who_got_everything_is_told_to_be_complete() {
    let bench = Bench::new("batch = { records = 1 }", Vec::new());
    bench.append([record("a", 1, None)]).await.unwrap();
    let Bench { journal, forwarder, status, data, .. } = bench;
    let (signal, published) = (Signal::new(), journal.published());
    signal.set(Mode::Finish);
    run(forwarder, "a", published, &signal).await;
    assert!(status.is_complete());
    drop(data);
}
