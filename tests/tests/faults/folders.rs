//! The wrong folder: one that somebody else works in, an older copy, an empty one beside a full
//! archive.

use std::fs;
use std::process::Stdio;

use blotter_tests::binaries::binary;
use tokio::process::Command;

use super::*;

/// What a second program says that is started on a folder in use.
async fn refusal(program: &str, arguments: &[&str], data: &Path) -> anyhow::Result<String> {
    let output = Command::new(binary(program)?)
        .args(arguments)
        .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    assert_eq!(output.status.code(), Some(2));
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn the_second_collector_on_a_folder_refuses_and_names_the_first() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let lock = data.path().join("journal/lock").display().to_string();
    let mut sender = Retrying::new(0)?;
    type Start = fn(&Path) -> anyhow::Result<Daemon>;
    for (start, name) in
        [(Daemon::collector as Start, "blotter-collector"), (Daemon::triage_up as Start, "triage")]
    {
        let mut first = start(data.path())?;
        let addresses = first.addresses().await?;
        let holder = format!("process {} ({name})", first.id().unwrap_or_default());
        for (program, arguments) in
            [("blotter-collector", [].as_slice()), ("triage", ["up"].as_slice())]
        {
            let said = refusal(program, arguments, data.path()).await?;
            assert!(said.contains(&holder) && said.contains(&lock), "{said}");
        }
        // With the first one's ports too, it is the folder that is told, not the ports.
        let said = Command::new(binary("blotter-collector")?)
            .args(["--http", &addresses.http.to_string(), "--grpc", &addresses.grpc.to_string()])
            .arg("--data")
            .arg(data.path())
            .output()
            .await?;
        assert!(String::from_utf8_lossy(&said.stderr).contains(&holder), "{said:?}");
        // And the first one is not disturbed.
        sender.more(3)?;
        sender.finish(addresses).await?;
        assert!(first.terminate().await?.success());
    }
    everything_once(data.path(), &sender)
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let to = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy_folder(&file.path(), &to)?;
        } else {
            fs::copy(file.path(), to)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_older_copy_of_the_folder_is_refused_while_the_archive_went_on() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let archive = folder.path().join("archive");
    let start = |data: &Path| {
        let mut command = Command::new(binary("blotter-collector")?);
        command.args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        command.arg("--archive").arg(&archive).arg("--data").arg(data);
        Daemon::spawn(command)
    };
    let mut sender = Retrying::new(6)?;
    let mut collector = start(&data)?;
    sender.finish(collector.addresses().await?).await?;
    assert!(collector.terminate().await?.success());
    copy_folder(&data, &copy)?;
    sender.more(6)?;
    let mut collector = start(&data)?;
    sender.finish(collector.addresses().await?).await?;
    assert!(collector.terminate().await?.success());

    let location = archive.display().to_string();
    let said = refusal("blotter-collector", &["--archive", &location], &copy).await?;
    assert!(
        said.contains("older copy") && said.contains("Move the journal's folder away"),
        "{said}"
    );
    everything_once(folder.path(), &sender)?;

    // What it advises works, and so does a journal that is simply gone.
    for _ in 0..2 {
        fs::remove_dir_all(copy.join("journal"))?;
        sender.more(6)?;
        let mut collector = start(&copy)?;
        sender.finish(collector.addresses().await?).await?;
        assert!(collector.terminate().await?.success());
        everything_once(folder.path(), &sender)?;
    }
    Ok(())
}
