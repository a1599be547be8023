//! Questions that are open until they are answered.

use blotter_schemas::names::blotter::{self, EventName};

use crate::call::State;
use crate::decision::{Decision, Scope};
use crate::value::Attributes;

/// An approval that was asked for. Dropped without an answer, it says nothing more: the call then tells that
/// it was interrupted.
#[must_use = "an approval that was asked for is to be answered with `decided`"]
pub struct Approval<'c> {
    call: Option<&'c State>,
}

impl<'c> Approval<'c> {
    pub(crate) fn ask(call: Option<&'c State>, request: &str) -> Self {
        if let Some(call) = call {
            let mut attributes = Attributes::with_capacity(1);
            if call.turn.session.core.recorder.says_all() {
                attributes.add(blotter::BLOTTER_APPROVAL_REQUEST, request.to_owned());
            }
            call.record(EventName::ApprovalRequested, attributes);
        }
        Self { call }
    }

    /// Records the answer, and gives it back.
    pub fn decided(self, decision: Decision) -> Decision {
        if let Some(call) = self.call {
            call.decided(decision.clone());
        }
        decision
    }
}

/// A permission that was asked for. Dropped without an answer, it says nothing more.
#[must_use = "a permission that was asked for is to be granted or denied"]
pub struct PermissionRequest<'c> {
    call: Option<&'c State>,
    permission: String,
}

impl<'c> PermissionRequest<'c> {
    pub(crate) fn ask(call: Option<&'c State>, permission: &str) -> Self {
        let permission = if call.is_some() { permission.to_owned() } else { String::new() };
        if let Some(call) = call {
            let mut attributes = Attributes::with_capacity(1);
            attributes.add(blotter::BLOTTER_PERMISSION, permission.clone());
            call.record(EventName::PermissionRequested, attributes);
        }
        Self { call, permission }
    }

    /// Records that it was given, for so long.
    pub fn granted(self, scope: Scope, decision: Decision) {
        self.answered(EventName::PermissionGranted, Some(scope), decision);
    }

    /// Records that it was refused.
    pub fn denied(self, decision: Decision) {
        self.answered(EventName::PermissionDenied, None, decision);
    }

    fn answered(self, name: EventName, scope: Option<Scope>, decision: Decision) {
        let Some(call) = self.call else { return };
        let mut attributes = Attributes::with_capacity(6);
        attributes.add(blotter::BLOTTER_PERMISSION, self.permission);
        attributes.add_some(blotter::BLOTTER_PERMISSION_SCOPE, scope.map(Scope::as_str));
        decision.write(blotter::BLOTTER_DECISION, &mut attributes);
        call.record(name, attributes);
    }
}
