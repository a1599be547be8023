//! Answers that get lost: what is sent again is archived once.

use blotter_collector::Collector;
use blotter_tests::lossy_proxy::LossyProxy;
use blotter_tests::processes::Addresses;
use blotter_tests::small;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_whose_answers_are_lost_are_archived_once_over_restarts_too() -> anyhow::Result<()>
{
    let data = tempfile::tempdir()?;
    let mut sender = Retrying::new(30)?;
    for life in 0..3 {
        let collector = Collector::start(small::config(data.path())?).await?;
        let direct = small::addresses(&collector);
        let http = LossyProxy::start(direct.http, 8).await?;
        let grpc = LossyProxy::start(direct.grpc, 8).await?;
        let lossy = Addresses { http: http.address(), grpc: grpc.address() };
        for _ in 0..20 {
            sender.round(lossy).await?;
        }
        assert_eq!((http.lost(), grpc.lost()), (8, 8), "life {life}");
        // As an SDK that was cut off would: all of it once more.
        sender.forget_answers();
        if life < 2 {
            // The first answers that are heard are those of the next life.
            drop(collector);
        } else {
            sender.finish(direct).await?;
            collector.shutdown().await?;
        }
    }
    everything_once(data.path(), &sender)
}
