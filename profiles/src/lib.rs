//! Permission profiles of coding agents, as Codex defines them: what the layers of configuration say,
//! which profile is in effect, and what it answers when a command wants to read, write or connect. Every
//! entry and every decision names the layer, file and line that it comes from.
//!
//! Start reading at [`Stack`]: layers go in, [`EffectiveProfile`]s come out. [`Decider`] compiles one for a
//! [`Place`] and answers [`Request`]s. [`compare`] and [`lint`] look at profiles from outside. A profile
//! that a session file states is read by [`effective::rollout`].
//!
//! Nothing here prints, resolves a name, or changes a file.

pub mod compare;
pub mod decide;
pub mod effective;
mod error;
pub mod grants;
pub mod layer;
pub mod lint;
pub mod place;
pub mod profile;
pub mod provenance;
pub mod requirements;
pub mod semantics;
pub mod source;
pub mod stack;

pub use decide::{Decider, Decision, Request, Verdict};
pub use effective::EffectiveProfile;
pub use error::Error;
pub use layer::{Layer, LayerKind};
pub use place::Place;
pub use provenance::Provenance;
pub use requirements::{Requirements, RequirementsLayer};
pub use semantics::Semantics;
pub use stack::Stack;

/// Takes a text through everything that reads one: for the fuzzer and its corpus.
#[doc(hidden)]
pub fn exercise(text: &str) {
    let requirements = RequirementsLayer::parse(LayerKind::RequirementsMdm, "fuzz", text);
    let layer = Layer::parse(LayerKind::User, "fuzz", text);
    let requirements = Requirements::new(requirements.into_iter().collect());
    let place = Place::of("/w");
    for requirements in [requirements, Requirements::default()] {
        let layers = layer.as_ref().ok().cloned().into_iter().collect();
        let Ok(stack) = Stack::new(layers, requirements) else { continue };
        let _ = lint::lint(&stack, &place);
        for listed in stack.list() {
            let Ok(profile) = stack.effective(&listed.name) else { continue };
            let _ = profile.digest();
            let Ok(decider) = Decider::new(profile, place.clone()) else { continue };
            let connect = decide::Connect::to("example.com");
            for request in [Request::Write("/w/.git/x.env"), Request::Connect(connect)] {
                let _ = decider.trace(&request, Semantics::Documented);
            }
        }
    }
}
