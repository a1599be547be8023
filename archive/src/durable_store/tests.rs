//! What the local store promises.

use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard};

use blotter_disk::{Access, DiskFile, Listed, LocalDisk, Metadata};
use object_store::{GetRange, ObjectStoreExt as _};

use super::*;

/// The disk of this machine; records what was synced, and sees to it that a file's final name is not
/// there before.
#[derive(Debug, Default)]
struct Witness {
    seen: Mutex<Vec<String>>,
    refuse_folders: Mutex<bool>,
    target: Mutex<PathBuf>,
}

#[derive(Debug)]
struct Witnessed(Arc<Witness>);

#[derive(Debug)]
struct WitnessedFile(Arc<Witness>, Box<dyn DiskFile>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl Disk for Witnessed {
    fn open(
        &self,
        step: &'static str,
        path: &Path,
        access: Access,
    ) -> io::Result<Box<dyn DiskFile>> {
        let file = LocalDisk.open(step, path, access)?;
        Ok(Box::new(WitnessedFile(Arc::clone(&self.0), file)))
    }

    fn rename(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename(step, from, to)
    }

    fn link(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.link(step, from, to)
    }

    fn remove(&self, step: &'static str, path: &Path) -> io::Result<()> {
        LocalDisk.remove(step, path)
    }

    fn create_folder(&self, step: &'static str, path: &Path) -> io::Result<()> {
        LocalDisk.create_folder(step, path)
    }

    fn sync_folder(&self, step: &'static str, path: &Path) -> io::Result<()> {
        if *lock(&self.0.refuse_folders) {
            return Err(io::Error::other("no space in the test"));
        }
        lock(&self.0.seen).push(path.display().to_string());
        LocalDisk.sync_folder(step, path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        LocalDisk.list(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        LocalDisk.metadata(path)
    }
}

impl DiskFile for WitnessedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.read_at(buffer, offset)
    }

    fn write_at(
        &self,
        step: &'static str,
        slices: &mut [IoSlice<'_>],
        offset: u64,
    ) -> io::Result<()> {
        self.1.write_at(step, slices, offset)
    }

    fn allocate(&self, step: &'static str, length: u64) -> io::Result<()> {
        self.1.allocate(step, length)
    }

    fn set_len(&self, step: &'static str, length: u64) -> io::Result<()> {
        self.1.set_len(step, length)
    }

    fn length(&self) -> io::Result<u64> {
        self.1.length()
    }

    fn write_out(&self, step: &'static str) -> io::Result<()> {
        self.1.write_out(step)
    }

    fn sync(&self, step: &'static str) -> io::Result<()> {
        assert!(!lock(&self.0.target).exists(), "contents are durable before the name appears");
        lock(&self.0.seen).push("file".to_owned());
        self.1.sync(step)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.1.try_lock()
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
        let store = DurableStore::new(Arc::new(Witnessed(Arc::clone(&witness))));
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

#[tokio::test]
async fn parts_are_read_as_asked_for_and_nothing_else() {
    let (case, location) = Case::new("data/file");
    case.store.put(&location, "0123456789".into()).await.unwrap();
    let head = case.store.head(&location).await.unwrap();
    assert_eq!((head.size, &head.location), (10, &location));
    let parts = case.store.get_ranges(&location, &[2..4, 9..10, 0..0]).await.unwrap();
    assert_eq!(parts, ["23", "9", ""]);
    for (range, expected, bounds) in [
        (GetRange::Bounded(3..5), "34", 3..5),
        (GetRange::Offset(8), "89", 8..10),
        (GetRange::Suffix(3), "789", 7..10),
        (GetRange::Bounded(8..100), "89", 8..10),
    ] {
        let options = GetOptions { range: Some(range), ..GetOptions::default() };
        let part = case.store.get_opts(&location, options).await.unwrap();
        assert_eq!(part.range, bounds);
        assert_eq!(part.bytes().await.unwrap(), expected);
    }
    case.store.get_ranges(&location, &[2..4, 8..11]).await.unwrap_err();
    let nothing = case.store.get(&location.clone().join("x")).await;
    assert!(nothing.is_err());
    let folder = ObjectPath::from_absolute_path(case.folder.path()).unwrap();
    let folder = case.store.get(&folder).await;
    assert!(matches!(folder, Err(object_store::Error::NotFound { .. })), "{folder:?}");
}

#[tokio::test]
async fn long_objects_come_whole_in_pieces() {
    let (case, location) = Case::new("data/long");
    let content: Vec<u8> = (0..20 << 20).map(|at: u32| u8::try_from(at % 251).unwrap()).collect();
    case.store.put(&location, content.clone().into()).await.unwrap();
    let read = case.store.get(&location).await.unwrap();
    let pieces: Vec<Bytes> = read.into_stream().map(Result::unwrap).collect().await;
    assert!(pieces.len() > 1);
    assert!(pieces.concat() == content);
}

#[tokio::test]
async fn a_listing_has_what_lies_behind_the_offset_and_no_staging_file() {
    let (case, location) = Case::new("log/2");
    *lock(&case.witness.target) = PathBuf::new();
    let root = ObjectPath::from_absolute_path(case.folder.path()).unwrap();
    for name in ["log/1", "log/3", "log/2/inner", "log/2-", "other/x y%20z"] {
        let location = ObjectPath::parse(format!("{root}/{name}")).unwrap();
        case.store.put(&location, name.to_owned().into()).await.unwrap();
    }
    std::fs::write(case.folder.path().join("log/4#123"), "staged").unwrap();
    let names = |listed: Vec<Result<ObjectMeta>>| -> Vec<String> {
        let prefix = format!("{root}/");
        let name = |it: Result<ObjectMeta>| it.unwrap().location.to_string().replace(&prefix, "");
        listed.into_iter().map(name).collect()
    };
    let all = case.store.list(Some(&root)).collect().await;
    assert_eq!(names(all), ["log/1", "log/2-", "log/2/inner", "log/3", "other/x y%20z"]);
    let behind = case.store.list_with_offset(Some(&root), &location).collect().await;
    assert_eq!(names(behind), ["log/2-", "log/2/inner", "log/3", "other/x y%20z"]);
    let within = ObjectPath::parse(format!("{root}/log/2/aaa")).unwrap();
    let behind = case.store.list_with_offset(Some(&root), &within).collect().await;
    assert_eq!(names(behind), ["log/2/inner", "log/3", "other/x y%20z"]);
    let log = ObjectPath::parse(format!("{root}/log")).unwrap();
    let one = case.store.list_with_delimiter(Some(&log)).await.unwrap();
    assert_eq!(one.common_prefixes, [location]);
    let objects = one.objects.into_iter().map(Ok).collect();
    assert_eq!(names(objects), ["log/1", "log/2-", "log/3"]);
    let nowhere = ObjectPath::parse(format!("{root}/nowhere")).unwrap();
    assert_eq!(case.store.list(Some(&nowhere)).count().await, 0);
}

#[tokio::test]
async fn copies_and_renames_keep_the_content_and_respect_what_is_there() {
    let (case, location) = Case::new("a/one");
    case.store.put(&location, "one".into()).await.unwrap();
    *lock(&case.witness.target) = PathBuf::new();
    let root = ObjectPath::from_absolute_path(case.folder.path()).unwrap();
    let two = ObjectPath::parse(format!("{root}/b/two")).unwrap();
    let three = ObjectPath::parse(format!("{root}/c/three")).unwrap();
    case.synced();
    case.store.copy_if_not_exists(&location, &two).await.unwrap();
    assert!(case.synced().starts_with(&[case.path("b")]));
    let again = case.store.copy_if_not_exists(&location, &two).await;
    assert!(matches!(again, Err(object_store::Error::AlreadyExists { .. })), "{again:?}");
    case.store.copy(&location, &two).await.unwrap();
    case.store.rename(&two, &three).await.unwrap();
    assert!(case.names("b").is_empty());
    case.store.rename_if_not_exists(&three, &location).await.unwrap_err();
    let read = case.store.get(&three).await.unwrap().bytes().await.unwrap();
    assert_eq!(read, "one");
    case.store.delete(&three).await.unwrap();
    assert!(case.names("c").is_empty());
}
