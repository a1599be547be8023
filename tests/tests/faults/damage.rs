//! A folder that was damaged while nobody looked.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use blotter_collector::{Collector, Error};
use blotter_tests::small;
use tempfile::TempDir;

use super::*;

/// A folder whose collector was stopped before the archive had what the journal has, in several
/// segments.
async fn left_over(sender: &mut Retrying) -> anyhow::Result<TempDir> {
    let data = tempfile::tempdir()?;
    let mut config = small::config(data.path())?;
    config.commit.quiet = std::time::Duration::from_secs(3600);
    config.commit.interval = config.commit.quiet;
    let collector = Collector::start(config).await?;
    sender.finish(small::addresses(&collector)).await?;
    drop(collector);
    Ok(data)
}

fn segments(data: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let mut paths: Vec<_> = fs::read_dir(data.join("journal"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
    paths.sort();
    Ok(paths)
}

/// Starting says which file is damaged, and where, and changes nothing.
async fn is_told(data: &Path, file: &Path) -> anyhow::Result<()> {
    let before = segments(data)?;
    let mut started = Collector::start(small::config(data)?).await;
    // What serves the connections of a collector that was dropped ends when it is polled, and holds the
    // journal until then.
    for _ in 0..500 {
        if !matches!(started, Err(Error::Locked { .. })) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        started = Collector::start(small::config(data)?).await;
    }
    match started {
        Err(error @ Error::Damaged { .. }) => {
            let said = error.to_string();
            let Error::Damaged { path, .. } = error else { anyhow::bail!(said) };
            assert_eq!(path, file, "{said}");
            assert!(said.contains("move the journal's folder away"), "{said}");
        }
        Err(error) => anyhow::bail!("not told as damage: {error}"),
        Ok(_) => anyhow::bail!("{} is damaged, and nobody was told", file.display()),
    }
    assert_eq!(segments(data)?, before);
    Ok(())
}

#[tokio::test]
async fn damage_in_the_durable_middle_is_told_and_never_skipped() -> anyhow::Result<()> {
    let mut sender = Retrying::new(24)?;
    let data = left_over(&mut sender).await?;
    let paths = segments(data.path())?;
    assert!(paths.len() > 2, "{paths:?}");
    let whole = fs::read(&paths[1])?;

    let file = File::options().write(true).open(&paths[1])?;
    file.write_all_at(&[whole[5000] ^ 1], 5000)?;
    is_told(data.path(), &paths[1]).await?;
    file.write_all_at(&whole, 0)?;

    file.set_len(6000)?;
    is_told(data.path(), &paths[1]).await?;
    file.write_all_at(&whole, 0)?;

    let away = data.path().join("away");
    fs::rename(&paths[1], &away)?;
    is_told(data.path(), &paths[0]).await?;
    fs::rename(&away, &paths[1])?;

    // Put right again, nothing is missing.
    comes_right(data.path(), &mut sender).await
}

#[tokio::test]
async fn what_is_told_to_do_about_damage_works() -> anyhow::Result<()> {
    let mut sender = Retrying::new(24)?;
    let data = left_over(&mut sender).await?;
    let paths = segments(data.path())?;
    File::options().write(true).open(&paths[1])?.write_all_at(b"damage", 5000)?;
    is_told(data.path(), &paths[1]).await?;
    fs::rename(data.path().join("journal"), data.path().join("damaged-journal"))?;
    let mut sender = Retrying::new(5)?;
    comes_right(data.path(), &mut sender).await
}

#[tokio::test]
async fn files_that_are_not_the_collectors_are_left_alone() -> anyhow::Result<()> {
    let mut sender = Retrying::new(24)?;
    let data = left_over(&mut sender).await?;
    let journal = data.path().join("journal");
    let garbage = ["notes.txt", ".segment.swp", "archive.cursor~", "forward.cursor", "core"];
    for name in garbage {
        fs::write(journal.join(name), b"not yours")?;
    }
    fs::create_dir(journal.join("lost+found"))?;
    // These have names of the collector's own, from before a power cut.
    fs::write(journal.join("archive.new"), b"half")?;
    fs::write(journal.join("prepared"), b"half")?;
    fs::write(journal.join("00000000000000000000.digests"), b"half")?;
    comes_right(data.path(), &mut sender).await?;
    for name in garbage {
        assert_eq!(fs::read(journal.join(name))?, b"not yours", "{name}");
    }
    Ok(())
}
