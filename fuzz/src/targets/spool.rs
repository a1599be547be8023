//! The spool of an instrumented agent: whatever is taken up can be read, and leaves nothing behind.

/// A segment's frames; the first byte says which checksums are made to match.
pub fn segment(input: &[u8]) {
    if let Err(wrong) = blotter_instrumentation::take_up_spool(input) {
        panic!("{wrong}");
    }
}
