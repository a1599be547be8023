//! From the socket to the acknowledgement.
//!
//! [`server`] accepts connections, [`idle`] closes those that keep others out, and [`origin`] finds out whose
//! they are; [`http`] and [`grpc`] read a request and answer it; what lies between, the same for both, is
//! [`guard`], who is let in, and [`intake`].

mod body;
mod claims;
mod cut;
mod edit;
pub(crate) mod fuzzing;
mod grpc;
mod guard;
mod http;
mod idle;
mod intake;
mod limits;
mod origin;
mod process;
mod server;
mod status;
mod unix;

pub(crate) use body::Reply;
pub(crate) use idle::Idle;
pub(crate) use intake::Intake;
pub(crate) use origin::Origins;
pub(crate) use server::{Listener, Server, serve};
pub(crate) use unix::{SocketFile, listen as listen_unix};
