//! A short run of `cargo xtask chaos`: nothing that was acknowledged is lost or doubled, in the archive or on
//! the way to any destination, over the data of an earlier version and whatever happens around.

use std::time::Duration;

use blotter_tests::chaos::{self, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_around_it_a_collector_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let report = chaos::run(Options { time: Duration::from_secs(30), seed: 1 }).await?;
    println!("{report}");
    assert!(report.acknowledged > 500, "too few requests were acknowledged to prove anything");
    assert!(report.archived >= report.acknowledged);
    assert_eq!((report.idle_connections, report.idle_lost), (1_000, 0));
    assert!(report.previous > 0);
    for trouble in ["SIGKILL", "SIGTERM", "destinations hang", "clients disconnect mid-request"] {
        assert!(report.times(trouble) > 0, "never: {trouble}");
    }
    for destination in &report.destinations {
        assert_eq!(destination.lost, 0, "{}", destination.name);
        assert!(destination.records >= report.acknowledged / 2, "{}", destination.name);
    }
    Ok(())
}
