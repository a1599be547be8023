//! Spans of Qwen Code.
//!
//! | span | kind | says |
//! |---|---|---|
//! | `qwen-code.interaction` | other | a turn, from its start for its duration |
//! | `qwen-code.tool` | call | a call was asked for; `error_type` is why it did not succeed (`tool.failure_kind`), also where it was refused |
//! | `qwen-code.tool.blocked_on_user` | decision | what was decided after which wait; names no call, its parent span does |
//! | `qwen-code.tool.execution` | result | how the tool ended; absent where the call was refused |
//! | `qwen-code.hook` | hook | a hook was asked; `text` is whether the call could go on; its parent span is the call's |
//! | `qwen-code.subagent` | other | a sub-agent ran |
//!
//! `qwen-code.llm_request` and the spans of its HTTP client yield none: the log record says the same.

use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;

use crate::dialects::gen_ai::spans::place;
use crate::dialects::{same_place, set_kind};
use crate::names::blotter::EventKind;
use crate::names::opentelemetry as otel;
use crate::names::qwen_code;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const INTERACTION: &str = "qwen-code.interaction";
const TOOL: &str = "qwen-code.tool";
const DECISION: &str = "qwen-code.tool.blocked_on_user";
const EXECUTION: &str = "qwen-code.tool.execution";
const HOOK: &str = "qwen-code.hook";
const SUBAGENT: &str = "qwen-code.subagent";
/// What a hook can say about going on.
const HOOK_ANSWERS: [&str; 3] =
    [qwen_code::SHOULD_PROCEED, qwen_code::SHOULD_STOP, qwen_code::IS_INTERRUPT];

/// Fills a span's row and, where it yields one, the row derived from it.
pub(super) fn span(span: &OtlpSpan, row: &mut Span, event: &mut Event) -> bool {
    let attributes = Attributes(&span.attributes);
    row.turn_id = attributes.first_text(&[qwen_code::QWEN_CODE_PROMPT_ID, qwen_code::PROMPT_ID]);
    row.call_id = attributes.first_text(&[
        otel::GEN_AI_TOOL_CALL_ID,
        qwen_code::TOOL_CALL_ID,
        qwen_code::CALL_ID,
    ]);
    let kind = match span.name.as_str() {
        INTERACTION => {
            event.approval_policy = attributes.text(qwen_code::QWEN_CODE_APPROVAL_MODE);
            event.detail = attributes.text(qwen_code::QWEN_CODE_TURN_STATUS);
            EventKind::Other
        }
        TOOL => {
            event.success = attributes.flag(qwen_code::SUCCESS);
            event.error_type =
                attributes.first_text(&[qwen_code::TOOL_FAILURE_KIND, otel::ERROR_TYPE]);
            EventKind::Call
        }
        DECISION => {
            event.decision = attributes.text(qwen_code::DECISION);
            event.decision_source = attributes.text(qwen_code::SOURCE);
            EventKind::Decision
        }
        EXECUTION => {
            event.success = attributes.flag(qwen_code::SUCCESS);
            event.error_type = attributes.first_text(&[qwen_code::ERROR_TYPE, otel::ERROR_TYPE]);
            event.error_message = attributes.text(qwen_code::ERROR);
            event.detail = attributes.text(qwen_code::EXECUTION_STATUS);
            EventKind::Result
        }
        HOOK => {
            event.detail = attributes.text(qwen_code::HOOK_EVENT);
            event.success = attributes.flag(qwen_code::SUCCESS);
            event.error_message = attributes.text(qwen_code::ERROR);
            let answers: Vec<String> = HOOK_ANSWERS
                .into_iter()
                .filter_map(|key| Some(format!("{key}={}", attributes.flag(key)?)))
                .collect();
            event.text = Some(answers.join(" ")).filter(|answers| !answers.is_empty());
            EventKind::Hook
        }
        SUBAGENT => EventKind::Other,
        _ => return false,
    };
    place(&attributes, event);
    event.model = event.model.take().or_else(|| attributes.text(qwen_code::QWEN_CODE_MODEL));
    event.tool_name = attributes.first_text(&[
        otel::GEN_AI_TOOL_NAME,
        qwen_code::TOOL_NAME,
        qwen_code::TOOL_DOT_NAME,
    ]);
    same_place(row, event);
    set_kind(event, kind);
    true
}
