//! Messages in messages, lists, and optional values.

use std::marker::PhantomData;

use super::scalars::Number;
use super::{Field, Message, Single, Text};
use crate::otlp::json::{Failure, Reader, Writer};
use crate::otlp::memory;
use crate::otlp::wire::{Key, Malformed, Walker, WireType};

/// A message that may be absent. One that is there is written even when it is empty.
pub(in crate::otlp) struct One<M>(PhantomData<M>);

impl<M: Message> Field for One<M> {
    type Value = Option<M>;

    fn write<'a>(name: &'static str, value: &'a Option<M>, out: &mut Writer<'_, 'a>) {
        if let Some(message) = value {
            out.name(name);
            out.message(message);
        }
    }

    fn read(value: &mut Option<M>, input: &mut Reader<'_>) -> Result<(), Failure> {
        *value = Some(input.message()?);
        Ok(())
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.message::<M>(key)
    }
}

/// A list of messages. With `NULL_IS_EMPTY`, `null` in it stands for an empty message (where position
/// carries meaning); otherwise it is left out.
pub(in crate::otlp) struct Many<M, const NULL_IS_EMPTY: bool = false>(PhantomData<M>);

impl<M: Message, const NULL_IS_EMPTY: bool> Field for Many<M, NULL_IS_EMPTY> {
    type Value = Vec<M>;

    fn write<'a>(name: &'static str, value: &'a Vec<M>, out: &mut Writer<'_, 'a>) {
        out.list(name, value, |message, out| out.message(message));
    }

    fn read(value: &mut Vec<M>, input: &mut Reader<'_>) -> Result<(), Failure> {
        value.clear();
        input.array(|input| {
            if !input.null()? {
                value.push(input.message()?);
            } else if NULL_IS_EMPTY {
                input.hold(memory::of::<M>())?;
                value.push(M::default());
            }
            Ok(())
        })
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.message::<M>(key)
    }
}

/// A list of messages that count as one record each: log records, spans.
pub(in crate::otlp) struct Records<M>(PhantomData<M>);

impl<M: Message> Field for Records<M> {
    type Value = Vec<M>;

    fn write<'a>(name: &'static str, value: &'a Vec<M>, out: &mut Writer<'_, 'a>) {
        Many::<M>::write(name, value, out);
    }

    fn read(value: &mut Vec<M>, input: &mut Reader<'_>) -> Result<(), Failure> {
        Many::<M>::read(value, input)
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.counts.record();
        walker.message::<M>(key)
    }
}

/// A list of metrics, which count as one record for each data point, or one where they have none.
pub(in crate::otlp) struct Metrics<M>(PhantomData<M>);

impl<M: Message> Field for Metrics<M> {
    type Value = Vec<M>;

    fn write<'a>(name: &'static str, value: &'a Vec<M>, out: &mut Writer<'_, 'a>) {
        Many::<M>::write(name, value, out);
    }

    fn read(value: &mut Vec<M>, input: &mut Reader<'_>) -> Result<(), Failure> {
        Many::<M>::read(value, input)
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.counts.open_metric();
        walker.message::<M>(key)?;
        walker.counts.close_metric();
        Ok(())
    }
}

/// The data of a metric, a member of its oneof.
pub(in crate::otlp) struct Data<M>(PhantomData<M>);

impl<M: Message> Single for Data<M> {
    type Content = M;

    fn write_content<'a>(content: &'a M, out: &mut Writer<'_, 'a>) {
        out.message(content);
    }

    fn read_content(input: &mut Reader<'_>) -> Result<M, Failure> {
        input.message()
    }

    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.counts.open_data(key.tag);
        walker.message::<M>(key)
    }
}

/// A list of the data points of a metric. A writer may be told to write only one of them.
pub(in crate::otlp) struct Points<M>(PhantomData<M>);

impl<M: Message> Field for Points<M> {
    type Value = Vec<M>;

    fn write<'a>(name: &'static str, value: &'a Vec<M>, out: &mut Writer<'_, 'a>) {
        let points = match out.only_point() {
            None => value.as_slice(),
            Some(index) => value.get(index).map(std::slice::from_ref).unwrap_or_default(),
        };
        out.list(name, points, |message, out| out.message(message));
    }

    fn read(value: &mut Vec<M>, input: &mut Reader<'_>) -> Result<(), Failure> {
        Many::<M>::read(value, input)
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.point::<M>(key)
    }
}

/// A message that is a member of a oneof.
pub(in crate::otlp) struct Nested<M>(PhantomData<M>);

impl<M: Message> Single for Nested<M> {
    type Content = M;

    fn write_content<'a>(content: &'a M, out: &mut Writer<'_, 'a>) {
        out.message(content);
    }

    fn read_content(input: &mut Reader<'_>) -> Result<M, Failure> {
        input.message()
    }

    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.message::<M>(key)
    }
}

/// The string of an `AnyValue`, which the writer notes where it is long.
pub(in crate::otlp) struct AnyText;

impl Single for AnyText {
    type Content = String;

    fn write_content<'a>(content: &'a String, out: &mut Writer<'_, 'a>) {
        out.any_text(content);
    }

    fn read_content(input: &mut Reader<'_>) -> Result<String, Failure> {
        Text::read_content(input)
    }

    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        Text::walk_content(key, walker)
    }
}

/// A scalar whose absence is told from its default.
pub(in crate::otlp) struct Optional<S>(PhantomData<S>);

impl<S: Single> Field for Optional<S> {
    type Value = Option<S::Content>;

    fn write<'a>(name: &'static str, value: &'a Self::Value, out: &mut Writer<'_, 'a>) {
        if let Some(content) = value {
            out.name(name);
            S::write_content(content, out);
        }
    }

    fn read(value: &mut Self::Value, input: &mut Reader<'_>) -> Result<(), Failure> {
        *value = Some(S::read_content(input)?);
        Ok(())
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        S::walk_content(key, walker)
    }
}

/// A list of numbers; `null` in it is the default, because position carries meaning.
pub(in crate::otlp) struct Packed<S>(PhantomData<S>);

impl<S: Number<Content: Default>> Field for Packed<S> {
    type Value = Vec<S::Content>;

    fn write<'a>(name: &'static str, value: &'a Self::Value, out: &mut Writer<'_, 'a>) {
        out.list(name, value, S::write_content);
    }

    fn read(value: &mut Self::Value, input: &mut Reader<'_>) -> Result<(), Failure> {
        read_list::<S>(value, input)
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        if key.wire_type == WireType::Length {
            walker.within(|walker| {
                while walker.has_more() {
                    walker.hold(size_of::<S::Content>());
                    S::pass(walker)?;
                }
                Ok(())
            })
        } else {
            walker.hold(size_of::<S::Content>());
            S::walk_content(key, walker)
        }
    }
}

/// A list of strings; `null` in it is the empty string.
pub(in crate::otlp) struct Texts;

impl Field for Texts {
    type Value = Vec<String>;

    fn write<'a>(name: &'static str, value: &'a Self::Value, out: &mut Writer<'_, 'a>) {
        out.list(name, value, Text::write_content);
    }

    fn read(value: &mut Self::Value, input: &mut Reader<'_>) -> Result<(), Failure> {
        read_list::<Text>(value, input)
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.hold(size_of::<String>());
        Text::walk_content(key, walker)
    }
}

fn read_list<S: Single<Content: Default>>(
    value: &mut Vec<S::Content>,
    input: &mut Reader<'_>,
) -> Result<(), Failure> {
    value.clear();
    input.array(|input| {
        input.hold(size_of::<S::Content>())?;
        value.push(if input.null()? { S::Content::default() } else { S::read_content(input)? });
        Ok(())
    })
}
