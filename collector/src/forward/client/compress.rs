//! Compressing bodies of HTTP requests.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::write::GzEncoder;

use crate::forward::destination::Compression;

/// Level of Zstandard: its own default.
const ZSTD_LEVEL: i32 = 3;

/// A body as it is sent, and what the header `Content-Encoding` says of it.
pub(super) fn compress(
    body: Bytes,
    compression: Compression,
) -> io::Result<(Bytes, Option<&'static str>)> {
    Ok(match compression {
        Compression::None => (body, None),
        Compression::Gzip => {
            let room = Vec::with_capacity(body.len() / 4);
            let mut encoder = GzEncoder::new(room, flate2::Compression::fast());
            encoder.write_all(&body)?;
            (encoder.finish()?.into(), Some("gzip"))
        }
        Compression::Zstd => (zstd::stream::encode_all(&*body, ZSTD_LEVEL)?.into(), Some("zstd")),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_compressed_can_be_got_back() {
        let body = Bytes::from(vec![7; 100_000]);
        let (sent, name) = compress(body.clone(), Compression::None).unwrap();
        assert_eq!((sent, name), (body.clone(), None));
        let (sent, name) = compress(body.clone(), Compression::Gzip).unwrap();
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&*sent).read_to_end(&mut read).unwrap();
        assert_eq!((Bytes::from(read), name), (body.clone(), Some("gzip")));
        let (sent, name) = compress(body.clone(), Compression::Zstd).unwrap();
        assert!(sent.len() < 1000);
        let read = zstd::stream::decode_all(&*sent).unwrap();
        assert_eq!((Bytes::from(read), name), (body, Some("zstd")));
    }
}
