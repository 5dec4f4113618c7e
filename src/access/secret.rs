//! The secret form of a token: `clade_` + 8-character id + `_` + 32 random bytes in base62 + checksum.
//!
//! A secret is shown once, never stored, and never printed by `Debug`. The checksum is no protection: it lets a
//! scanner tell a token from other text, and a typing error be seen without asking the store.

use std::fmt;

use rand::TryRngCore as _;
use rand::distr::{Alphanumeric, SampleString as _};
use rand::rngs::OsRng;

use crate::model::token::TokenId;

/// What every token begins with.
const PREFIX: &str = "clade_";
/// The digits of base62, least first.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How many random bytes a secret holds.
const RANDOM_BYTES: usize = 32;
/// How many digits of base62 those take.
const RANDOM_DIGITS: usize = 43;
/// How many digits of base62 a CRC-32 takes.
const CHECKSUM_DIGITS: usize = 6;

/// A token as its holder has it.
pub struct Secret {
    id: TokenId,
    text: String,
}

impl Secret {
    /// A new one from the system's randomness.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    #[must_use]
    pub fn generate() -> Self {
        let id = Alphanumeric.sample_string(&mut OsRng.unwrap_err(), TokenId::LENGTH);
        let mut random = [0; RANDOM_BYTES];
        OsRng.try_fill_bytes(&mut random).expect("the operating system gives randomness");
        let id = TokenId::parse(&id).expect("so many letters and digits are an id");
        let body = format!("{PREFIX}{id}_{}", base62(&random, RANDOM_DIGITS));
        let text = format!("{body}{}", checksum(&body));
        Self { id, text }
    }

    /// Reads a secret; none unless its form and checksum are right.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let (id, rest) = raw.strip_prefix(PREFIX)?.split_once('_')?;
        let id = TokenId::parse(id).ok()?;
        let is_base62 = rest.bytes().all(|byte| DIGITS.contains(&byte));
        if rest.len() != RANDOM_DIGITS + CHECKSUM_DIGITS || !is_base62 {
            return None;
        }
        let (body, given) = raw.split_at_checked(raw.len() - CHECKSUM_DIGITS)?;
        (checksum(body) == given).then(|| Self { id, text: raw.to_owned() })
    }

    /// The public part.
    #[must_use]
    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// What is stored: BLAKE3 of the whole text.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(self.text.as_bytes()).as_bytes()
    }

    /// The text to hand over, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("id", &self.id).finish_non_exhaustive()
    }
}

/// CRC-32 of `body`, in base62.
fn checksum(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_DIGITS)
}

/// A number, given by its bytes, greatest first, as so many digits, greatest first. Digits beyond are cut off.
fn base62(bytes: &[u8], digits: usize) -> String {
    let mut number = bytes.to_vec();
    let mut text: Vec<char> =
        (0..digits).map(|_| char::from(DIGITS[usize::from(divide(&mut number))])).collect();
    text.reverse();
    text.into_iter().collect()
}

/// Divides a number, greatest byte first, by 62 in place and gives the remainder.
fn divide(number: &mut [u8]) -> u8 {
    let mut rest = 0_u16;
    for byte in number {
        let value = rest << 8 | u16::from(*byte);
        *byte = u8::try_from(value / 62).expect("a remainder below 62 and a byte, by 62, are below 256 + 8");
        rest = value % 62;
    }
    u8::try_from(rest).expect("a remainder of 62 is below 62")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_hashes_the_same() {
        let made = Secret::generate();
        let read = Secret::parse(made.reveal()).unwrap();
        assert_eq!((read.id(), read.hash()), (made.id(), made.hash()));
        assert_eq!(made.reveal().len(), PREFIX.len() + 8 + 1 + RANDOM_DIGITS + CHECKSUM_DIGITS);
        assert_ne!(Secret::generate().hash(), made.hash());
    }

    #[test]
    fn any_one_changed_character_is_seen() {
        let made = Secret::generate();
        for at in 0..made.reveal().len() {
            for other in ["0", "z", "_", "é", ""] {
                let mut changed = made.reveal().to_owned();
                changed.replace_range(at..=at, other);
                assert_eq!(Secret::parse(&changed).is_some(), changed == made.reveal(), "{changed}");
            }
        }
    }

    #[test]
    fn what_has_another_form_is_no_secret() {
        for raw in ["", "clade_", "clade_abcdefgh", "clade_abcdefgh_", "glpat-abc", "clade_é_é", "Bearer x"]
        {
            assert!(Secret::parse(raw).is_none(), "{raw}");
        }
    }

    #[test]
    fn debug_shows_the_id_alone() {
        let made = Secret::generate();
        let shown = format!("{made:?}");
        assert!(shown.contains(made.id().as_str()));
        assert!(!shown.contains(&made.reveal()[PREFIX.len() + TokenId::LENGTH + 1..]));
    }

    #[test]
    fn numbers_have_a_fixed_width_in_base62() {
        assert_eq!(base62(&[0, 0], 3), "000");
        assert_eq!(base62(&[61], 2), "0z");
        assert_eq!(base62(&[62], 2), "10");
        assert_eq!(base62(&u32::MAX.to_be_bytes(), CHECKSUM_DIGITS), "4gfFC3");
        assert_eq!(base62(&[255; RANDOM_BYTES], RANDOM_DIGITS + 1).find(|c| c != '0'), Some(1));
    }
}
