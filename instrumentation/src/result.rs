//! How a call ended.

use blotter_schemas::names::blotter::CallOutcome;

/// How a call ended, where it was not cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallResult {
    pub(crate) outcome: CallOutcome,
    pub(crate) exit_code: Option<i32>,
    pub(crate) output: Option<String>,
    pub(crate) message: Option<String>,
}

impl CallResult {
    fn new(outcome: CallOutcome) -> Self {
        Self { outcome, exit_code: None, output: None, message: None }
    }

    /// It did what it should.
    #[must_use]
    pub fn succeeded() -> Self {
        Self::new(CallOutcome::Succeeded)
    }

    /// It came to its end and did not do what it should.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::new(CallOutcome::Failed) }
    }

    /// Its process ended with this code: a success where that is 0.
    #[must_use]
    pub fn exited(code: i32) -> Self {
        let result = match code {
            0 => Self::succeeded(),
            code => Self::failed(format!("exit code {code}")),
        };
        Self { exit_code: Some(code), ..result }
    }

    /// It was refused, by a person, the configuration or a reviewer, and not made.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::new(CallOutcome::Refused) }
    }

    /// A hook, the sandbox or the network proxy stopped it.
    #[must_use]
    pub fn blocked(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::new(CallOutcome::Blocked) }
    }

    /// A person ended it at the prompt.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(CallOutcome::Cancelled)
    }

    /// What came back.
    #[must_use]
    pub fn output(mut self, output: impl Into<String>) -> Self {
        self.output = Some(output.into());
        self
    }
}
