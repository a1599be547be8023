//! What the local store promises.

use object_store::ObjectStoreExt as _;

use super::*;

/// Records what was synced, and whether a file's final name was there already.
#[derive(Debug, Default)]
struct Witness {
    seen: Mutex<Vec<String>>,
    refuse_folders: Mutex<bool>,
    target: Mutex<PathBuf>,
}

impl Disk for Witness {
    fn sync_file(&self, _file: &File, path: &Path) -> io::Result<()> {
        assert!(path.exists(), "the staged file is there");
        assert!(!lock(&self.target).exists(), "contents are durable before the name appears");
        lock(&self.seen).push("file".to_owned());
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if *lock(&self.refuse_folders) {
            return Err(io::Error::other("no space in the test"));
        }
        lock(&self.seen).push(path.display().to_string());
        Ok(())
    }
}

struct Case {
    folder: tempfile::TempDir,
    witness: Arc<Witness>,
    store: DurableStore,
}

impl Case {
    fn new(name: &str) -> (Self, ObjectPath) {
        let folder = tempfile::tempdir().unwrap();
        let witness = Arc::new(Witness::default());
        let store = DurableStore::on(witness.clone());
        let target = folder.path().join(name);
        let location = ObjectPath::from_absolute_path(&target).unwrap();
        *lock(&witness.target) = target;
        (Self { folder, witness, store }, location)
    }

    fn synced(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.witness.seen))
    }

    fn names(&self, below: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join(below)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn path(&self, below: &str) -> String {
        self.folder.path().join(below).display().to_string()
    }
}

#[tokio::test]
async fn a_put_syncs_the_file_then_its_folder_and_every_folder_that_may_be_new() {
    let (case, location) = Case::new("a/b/file");
    case.store.put(&location, "text".into()).await.unwrap();
    let synced = case.synced();
    let expected = ["file".to_owned(), case.path("a/b"), case.path("a"), case.path("")];
    assert_eq!(synced[0], expected[0]);
    for (synced, expected) in synced.iter().zip(&expected).skip(1) {
        assert_eq!(Path::new(synced), Path::new(expected));
    }
    assert!(synced.len() > expected.len(), "up to the root, once");
    assert_eq!(case.names("a/b"), ["file"]);

    *lock(&case.witness.target) = PathBuf::new();
    let next = ObjectPath::from_absolute_path(case.folder.path().join("a/b/next")).unwrap();
    case.store.put(&next, "text".into()).await.unwrap();
    assert_eq!(case.synced(), ["file".to_owned(), case.path("a/b")]);
}

#[tokio::test]
async fn put_if_absent_is_synced_and_never_replaces() {
    let (case, location) = Case::new("log/1.json");
    let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    case.store.put_opts(&location, "first".into(), create.clone()).await.unwrap();
    assert_eq!(case.synced()[..2], ["file".to_owned(), case.path("log")]);

    *lock(&case.witness.target) = PathBuf::new();
    let second = case.store.put_opts(&location, "second".into(), create).await;
    assert!(matches!(second, Err(object_store::Error::AlreadyExists { .. })), "{second:?}");
    let read = case.store.get(&location).await.unwrap().bytes().await.unwrap();
    assert_eq!(read, "first");
    assert_eq!(case.names("log"), ["1.json"], "no staging file stays behind");
}

#[tokio::test]
async fn a_multipart_upload_is_whole_and_synced_when_it_completes() {
    let (case, location) = Case::new("data/file");
    let mut upload = case.store.put_multipart(&location).await.unwrap();
    let first = upload.put_part("first ".into());
    let second = upload.put_part("second".into());
    second.await.unwrap();
    first.await.unwrap();
    assert!(case.synced().is_empty());
    upload.complete().await.unwrap();
    assert_eq!(case.synced()[..2], ["file".to_owned(), case.path("data")]);
    let read = case.store.get(&location).await.unwrap().bytes().await.unwrap();
    assert_eq!(read, "first second");
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let (case, location) = Case::new("data/file");
    let mut upload = case.store.put_multipart(&location).await.unwrap();
    upload.put_part("text".into()).await.unwrap();
    upload.abort().await.unwrap();
    assert!(case.names("data").is_empty());
}

#[tokio::test]
async fn a_name_whose_sync_failed_is_not_listed_until_a_sync_succeeds() {
    let (case, location) = Case::new("log/1.json");
    *lock(&case.witness.refuse_folders) = true;
    case.store.put(&location, "text".into()).await.unwrap_err();
    let listed = case.store.list(None).next().await.unwrap();
    assert!(listed.unwrap_err().to_string().contains("no space in the test"));

    *lock(&case.witness.refuse_folders) = false;
    let prefix = ObjectPath::from_absolute_path(case.folder.path().join("log")).unwrap();
    let listed: Vec<_> = case.store.list(Some(&prefix)).collect().await;
    assert_eq!(listed.len(), 1);
}
