//! CBOR as Smithy's RPC v2 protocol uses it: structures of either length form in, timestamps as tag 1, floating-point
//! members always as floats (facts/aws.md 3.5).

use minicbor::data::{IanaTag, Type};
use minicbor::decode::Error as DecodeError;
use minicbor::{Decoder, Encoder};

use super::failure::Failure;
use super::value::Value;

/// Deeper documents than this are refused; the deepest request has 8 levels.
const MAX_DEPTH: usize = 32;

/// # Errors
/// `SerializationException` for anything that is not one CBOR document of the model's types.
pub fn decode(bytes: &[u8]) -> Result<Value, Failure> {
    if bytes.is_empty() {
        return Ok(Value::Map(Vec::new()));
    }
    let mut decoder = Decoder::new(bytes);
    let value = value(&mut decoder, MAX_DEPTH).map_err(|e| refusal(&e.to_string()))?;
    if decoder.position() == bytes.len() { Ok(value) } else { Err(refusal("bytes after the document")) }
}

fn refusal(why: &str) -> Failure {
    Failure::new(400, "SerializationException", format!("the body is not a CBOR document: {why}"))
}

fn value(d: &mut Decoder<'_>, depth: usize) -> Result<Value, DecodeError> {
    let Some(depth) = depth.checked_sub(1) else { return Err(DecodeError::message("too deep")) };
    Ok(match d.datatype()? {
        Type::Null | Type::Undefined => {
            d.skip()?;
            Value::Null
        }
        Type::Bool => Value::Bool(d.bool()?),
        Type::F16 | Type::F32 | Type::F64 => Value::Float(d.f64()?),
        Type::String => Value::Text(d.str()?.to_owned()),
        Type::StringIndef => Value::Text(d.str_iter()?.collect::<Result<String, _>>()?),
        Type::Array | Type::ArrayIndef => Value::List(list(d, depth)?),
        Type::Map | Type::MapIndef => Value::Map(map(d, depth)?),
        Type::Tag => {
            if d.tag()? != IanaTag::Timestamp.tag() {
                return Err(DecodeError::message("a tag other than 1"));
            }
            match value(d, depth)? {
                Value::Int(seconds) => Value::Time(seconds.saturating_mul(1_000)),
                Value::Float(seconds) => Value::Time((seconds * 1e3).round() as i64),
                _ => return Err(DecodeError::message("a timestamp that is no number")),
            }
        }
        _ => Value::Int(d.i64()?),
    })
}

fn list(d: &mut Decoder<'_>, depth: usize) -> Result<Vec<Value>, DecodeError> {
    let mut left = d.array()?;
    let mut items = Vec::new();
    while more(d, &mut left)? {
        items.push(value(d, depth)?);
    }
    Ok(items)
}

fn map(d: &mut Decoder<'_>, depth: usize) -> Result<Vec<(String, Value)>, DecodeError> {
    let mut left = d.map()?;
    let mut members = Vec::new();
    while more(d, &mut left)? {
        members.push((d.str()?.to_owned(), value(d, depth)?));
    }
    Ok(members)
}

/// Whether another element follows: counted, or up to the break of an indefinite length.
fn more(d: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, DecodeError> {
    match left {
        Some(0) => Ok(false),
        Some(n) => {
            *n -= 1;
            Ok(true)
        }
        None if d.datatype()? == Type::Break => {
            d.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing to a vector cannot fail.
    let _ = write(&mut encoder, value);
    encoder.into_writer()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write(e: &mut Encoder<Vec<u8>>, value: &Value) -> Written {
    match value {
        Value::Null => e.null()?,
        Value::Bool(b) => e.bool(*b)?,
        Value::Int(i) => e.i64(*i)?,
        Value::Float(f) => e.f64(*f)?,
        Value::Text(t) => e.str(t)?,
        Value::Time(ms) => e.tag(IanaTag::Timestamp)?.f64(*ms as f64 / 1e3)?,
        Value::List(items) => {
            e.array(items.len() as u64)?;
            for item in items {
                write(e, item)?;
            }
            e
        }
        Value::Map(members) => {
            e.map(members.len() as u64)?;
            for (name, member) in members {
                e.str(name)?;
                write(e, member)?;
            }
            e
        }
    };
    Ok(())
}
