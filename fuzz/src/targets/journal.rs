//! The journal: any bytes are read the same way twice, in order, or said to be damaged.

/// A segment's entries; the first byte says which checksums are made to match.
pub fn segment(input: &[u8]) {
    if let Err(wrong) = blotter_collector::fuzzing::read_back(input) {
        panic!("{wrong}");
    }
}
