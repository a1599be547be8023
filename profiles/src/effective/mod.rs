//! The effective profile: what is left when everything that could change a profile has been applied.

mod build;
mod canonical;
mod model;
pub mod rollout;

pub(crate) use build::Builder;
pub use canonical::FORMAT;
pub use model::{
    Availability, DomainRule, EffectiveProfile, Kind, Network, PathRule, SocketRule, Standing,
    Switch,
};
