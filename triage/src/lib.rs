//! The desk: reconstructs what coding agents did from their archived telemetry.
