//! From the socket to the acknowledgement.
//!
//! [`server`] accepts connections; [`http`] and [`grpc`] read a request and answer it; what lies
//! between, the same for both, is [`intake`].

mod body;
mod grpc;
mod http;
mod intake;
mod limits;
mod server;
mod status;

pub(crate) use intake::Intake;
pub(crate) use server::{Server, serve};
