//! From the socket to the acknowledgement.
//!
//! [`server`] accepts connections, and [`origin`] finds out whose they are; [`places`] says how many there may
//! be, [`activity`] what happens on one, and [`idle`] which makes room for another. [`connection`] serves one:
//! [`http`] and [`grpc`] read a request and answer it; what lies between, the same for both, is [`guard`], who
//! is let in ([`host`]: and whom they meant), and [`intake`].

mod activity;
mod body;
mod claims;
mod connection;
mod cut;
mod edit;
pub(crate) mod fuzzing;
mod grpc;
mod guard;
mod host;
mod http;
mod idle;
mod intake;
mod limits;
mod origin;
mod places;
mod process;
mod server;
mod status;
mod unix;

pub(crate) use body::Reply;
pub(crate) use intake::Intake;
pub(crate) use origin::Origins;
pub(crate) use places::Places;
pub(crate) use server::{Listener, Server, serve};
pub(crate) use unix::{SocketFile, listen as listen_unix};
