//! Two profiles beside one another.
