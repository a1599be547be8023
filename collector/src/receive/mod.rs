//! From the socket to the acknowledgement.
//!
//! [`server`] accepts connections and [`origin`] finds out whose they are; [`http`] and [`grpc`] read a request and answer it; what lies
//! between, the same for both, is [`intake`].

mod body;
pub(crate) mod fuzzing;
mod grpc;
mod http;
mod intake;
mod limits;
mod origin;
mod process;
mod server;
mod status;
mod unix;

pub(crate) use intake::Intake;
pub(crate) use origin::Origins;
pub(crate) use server::{Listener, Server, serve};
pub(crate) use unix::{SocketFile, listen as listen_unix};
