//! The collector's lasting id.

use std::io;
use std::path::Path;

use blotter_disk::{Disk, durable};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Name of the file in the data folder.
const NAME: &str = "collector.json";

#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    collector_id: String,
}

/// The id of the collector that works in `data`: a random one, made at its first start.
///
/// The journal in `data` must be open: that has made durable what an earlier process left here.
pub(crate) fn collector_id(disk: &dyn Disk, data: &Path) -> Result<String, Error> {
    let path = data.join(NAME);
    match durable::read(disk, &path) {
        Ok(content) => {
            let identity: Identity =
                serde_json::from_slice(&content).map_err(|error| Error::Damaged {
                    path,
                    offset: 0,
                    reason: error.to_string(),
                    advice: "put the file back, or delete it to give the collector a new id",
                })?;
            Ok(identity.collector_id)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let collector_id = uuid::Uuid::new_v4().to_string();
            let identity = Identity { collector_id: collector_id.clone() };
            let content = serde_json::to_vec(&identity)
                .map_err(|error| Error::file("write", &path)(io::Error::other(error)))?;
            durable::replace(disk, "identity", &path, &content)
                .map_err(Error::file("write", &path))?;
            Ok(collector_id)
        }
        Err(error) => Err(Error::file("read", &path)(error)),
    }
}
