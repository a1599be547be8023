//! What a scan had to read.

/// What a scan had to read, next to what there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanStatistics {
    /// Files of the table.
    pub files_total: u64,
    /// Files of which anything was read.
    pub files_read: u64,
    /// Row groups of the files that were opened.
    pub row_groups_total: u64,
    /// Row groups of which pages were read.
    pub row_groups_read: u64,
    /// Pages of the wanted columns in the files that were opened.
    pub pages_total: u64,
    /// Pages that were read.
    pub pages_read: u64,
    /// Bytes of the files of the table.
    pub bytes_total: u64,
    /// Bytes that were read, footers and indexes included.
    pub bytes_read: u64,
    /// Rows that were decoded and tested.
    pub rows_read: u64,
    /// Rows that were handed out.
    pub rows_returned: u64,
}
