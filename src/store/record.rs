//! Serialization of records: the versioned binary format of entities, mappings and tokens.
//!
//! Invariant: bytes of every version ever written can be decoded for ever, and bytes that no Clade wrote are an error,
//! never a panic.
//!
//! An entity or mapping is its version, its stamps, then its fields. The stamps come first, so that ending a record,
//! and seeing that it has ended, does not decode the fields.

mod v1;

use std::sync::Arc;

use serde::Serialize;
use serde::de::Deserialize;
use uuid::Uuid;

use crate::error::Error;
use crate::model::entity::{Entity, EntityId, Kind, Stamps};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::time::Timestamp;
use crate::model::token::{Token, TokenId};

pub(super) use self::v1::{BodyV1, MappingV1, StampsV1, TokenV1};

/// The version byte of records that are written.
const VERSION: u8 = 1;

/// Why bytes are not a record, or a record cannot be serialized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("it has version {0}, which this Clade does not know")]
    Version(u8),
    #[error("it ends too early or has an impossible value")]
    Shape,
    #[error("{0}")]
    Value(String),
    #[error("its JSON is nested deeper than {} levels and could not be read back", v1::JSON_DEPTH_MAX)]
    TooDeep,
}

impl From<Error> for Unfit {
    fn from(refusal: Error) -> Self {
        Self::Value(refusal.to_string())
    }
}

/// Appends an entity, without its id.
pub(super) fn put_entity(entity: &Entity, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let body = BodyV1::of(&entity.body)?;
    put_stamps(&entity.stamps, out);
    put(&body, out);
    Ok(())
}

/// Reads what [`put_entity`] wrote.
pub(super) fn entity(id: EntityId, bytes: &[u8]) -> Result<Entity, Unfit> {
    let (stamps, rest) = split_stamps(bytes)?;
    entity_after(id, stamps.into(), rest)
}

/// Reads the kind and creation time of what [`put_entity`] wrote, without decoding its fields.
pub(super) fn entity_outline(bytes: &[u8]) -> Result<(Kind, Timestamp), Unfit> {
    let (stamps, rest) = split_stamps(bytes)?;
    // postcard begins an enum with the number of its variant.
    let kind = match split::<u32>(rest)?.0 {
        0 => Kind::OrgUnit,
        1 => Kind::Person,
        2 => Kind::Project,
        3 => Kind::Repository,
        4 => Kind::Service,
        _ => return Err(Unfit::Shape),
    };
    Ok((kind, stamps.created_at))
}

/// Reads the fields of an entity, the `rest` after its stamps.
pub(super) fn entity_after(id: EntityId, stamps: Arc<Stamps>, rest: &[u8]) -> Result<Entity, Unfit> {
    let body = whole::<BodyV1<'_>>(rest)?.into_body()?;
    Ok(Entity { id, stamps, body })
}

/// Appends a mapping, without its id.
pub(super) fn put_mapping(mapping: &Mapping, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let fields = MappingV1::of(mapping)?;
    put_stamps(&mapping.stamps, out);
    put(&fields, out);
    Ok(())
}

/// Reads what [`put_mapping`] wrote.
pub(super) fn mapping(id: MappingId, bytes: &[u8]) -> Result<Mapping, Unfit> {
    let (stamps, rest) = split_stamps(bytes)?;
    mapping_after(id, stamps.into(), rest)
}

/// Reads the fields of a mapping, the `rest` after its stamps.
pub(super) fn mapping_after(id: MappingId, stamps: Arc<Stamps>, rest: &[u8]) -> Result<Mapping, Unfit> {
    whole::<MappingV1<'_>>(rest)?.into_mapping(id, stamps)
}

/// Appends a token, without its id.
pub(super) fn put_token(token: &Token, out: &mut Vec<u8>) {
    out.push(VERSION);
    put(&TokenV1::of(token), out);
}

/// Reads what [`put_token`] wrote.
pub(super) fn token(id: TokenId, bytes: &[u8]) -> Result<Token, Unfit> {
    whole::<TokenV1<'_>>(versioned(bytes)?)?.into_token(id)
}

/// Appends stamps: the beginning of an entity or mapping, or all that is logged when one ends.
pub(super) fn put_stamps(stamps: &Stamps, out: &mut Vec<u8>) {
    out.push(VERSION);
    put(&StampsV1::of(stamps), out);
}

/// Reads what [`put_stamps`] wrote; returns the bytes after it too.
pub(super) fn split_stamps(bytes: &[u8]) -> Result<(Stamps, &[u8]), Unfit> {
    let (stamps, rest) = split::<StampsV1>(versioned(bytes)?)?;
    Ok((stamps.into_stamps(), rest))
}

/// Reads stamps with nothing after them.
pub(super) fn stamps(bytes: &[u8]) -> Result<Stamps, Unfit> {
    let (stamps, rest) = split_stamps(bytes)?;
    if rest.is_empty() { Ok(stamps) } else { Err(Unfit::Shape) }
}

/// Appends the entity or mapping in `bytes` with other stamps.
// Copies the encoded fields: decoding them is slow, and would fail where only the fields are damaged.
pub(super) fn put_restamped(bytes: &[u8], stamps: &Stamps, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let (_, rest) = split_stamps(bytes)?;
    put_stamps(stamps, out);
    out.extend_from_slice(rest);
    Ok(())
}

/// Appends a value in postcard's format.
pub(super) fn put<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    postcard::serialize_with_flavor(value, Appending(out))
        .expect("postcard fails only on a full buffer or a sequence of unknown length");
}

/// Reads a value from the beginning of `bytes`; returns the bytes after it too.
pub(super) fn split<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Unfit> {
    postcard::take_from_bytes(bytes).map_err(|_| Unfit::Shape)
}

fn whole<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unfit> {
    // Trailing bytes are an error: postcard has no field names, so they may be the sign of another version's record.
    match split(bytes)? {
        (value, []) => Ok(value),
        _ => Err(Unfit::Shape),
    }
}

fn versioned(bytes: &[u8]) -> Result<&[u8], Unfit> {
    match bytes {
        [VERSION, rest @ ..] => Ok(rest),
        [other, ..] => Err(Unfit::Version(*other)),
        [] => Err(Unfit::Shape),
    }
}

/// Decodes `bytes` as one kind of record, and asserts that the result survives a round trip.
pub(super) fn try_out(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let mut written = Vec::new();
    match kind % 3 {
        0 => {
            let Ok(read) = entity(EntityId(1), bytes) else { return };
            put_entity(&read, &mut written).expect("an entity that was read can be written");
            assert_eq!(entity(EntityId(1), &written).as_ref(), Ok(&read));
            assert_eq!(entity_outline(bytes), Ok((read.kind(), read.stamps.created_at)));
        }
        1 => {
            let id = MappingId(Uuid::nil());
            let Ok(read) = mapping(id, bytes) else { return };
            put_mapping(&read, &mut written).expect("a mapping that was read can be written");
            assert_eq!(mapping(id, &written).as_ref(), Ok(&read));
        }
        _ => {
            let id = TokenId::parse("fuzzfuzz").expect("eight letters are a valid token id");
            let Ok(read) = token(id.clone(), bytes) else { return };
            put_token(&read, &mut written);
            assert_eq!(token(id, &written).as_ref(), Ok(&read));
        }
    }
}

/// A postcard flavor that appends to a buffer.
// postcard's own `AllocVec` creates a vector per value; this lets the writer reuse one for all records of a batch.
struct Appending<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Appending<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        // The default implementation pushes byte by byte.
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
