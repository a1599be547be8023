//! A file that is written in parts.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use object_store::{MultipartUpload, PutMode, PutPayload, PutResult, Result, UploadPart};

use super::folders::{Folders, Staged};
use super::{run, store_error};

/// A file that is written in parts; it appears whole and durable when it is completed.
#[derive(Debug)]
pub(super) struct Upload {
    folders: Arc<Folders>,
    staged: Arc<Staged>,
    path: PathBuf,
    offset: u64,
}

impl Upload {
    pub(super) fn new(folders: Arc<Folders>, staged: Staged, path: PathBuf) -> Self {
        Self { folders, staged: Arc::new(staged), path, offset: 0 }
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let offset = self.offset;
        self.offset += data.content_length() as u64;
        let (staged, path) = (Arc::clone(&self.staged), self.path.clone());
        let folders = Arc::clone(&self.folders);
        async move {
            run(&folders, move |_| {
                staged.write(data.iter(), offset).map_err(|error| store_error(&path, error))
            })
            .await
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (staged, path) = (Arc::clone(&self.staged), self.path.clone());
        run(&self.folders, move |folders| {
            folders.publish(&staged, &path, &PutMode::Overwrite)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = Arc::clone(&self.staged);
        run(&self.folders, move |folders| {
            folders.discard(&staged);
            Ok(())
        })
        .await
    }
}
