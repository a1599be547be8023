//! The daemon: receives OTLP, makes it durable, normalises it and commits it to the archive.
