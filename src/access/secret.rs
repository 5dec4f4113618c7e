//! Token secrets: `clade_` + 8-character id + `_` + 32 random bytes in base62 + checksum.
//!
//! Invariant: a secret is shown once, never stored, and never printed by `Debug`; only its hash is stored. The checksum
//! is no protection: secret scanners recognize a token by it, and a typo is found without a lookup in the store.

use std::fmt;

use rand::TryRngCore as _;
use rand::distr::{Alphanumeric, SampleString as _};
use rand::rngs::OsRng;

use crate::model::token::TokenId;

/// The prefix of every token. Secret scanners search for it.
const PREFIX: &str = "clade_";
/// The digits of base62, in order of their value.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The number of random bytes of a secret: 256 bits.
const RANDOM_BYTES: usize = 32;
/// The number of base62 digits of the random bytes: 256 bits / log2(62) = 42.99.
const RANDOM_DIGITS: usize = 43;
/// The number of base62 digits of a CRC-32: 32 bits / log2(62) = 5.4.
const CHECKSUM_DIGITS: usize = 6;

/// A token as its client sends it.
///
/// ```
/// use clade::access::Secret;
///
/// let secret = Secret::generate();
/// let sent = Secret::parse(secret.reveal()).expect("its form and checksum are right");
/// assert_eq!(sent.hash(), secret.hash(), "the directory stores the hash alone");
/// assert!(!format!("{secret:?}").contains(secret.reveal()), "logs show the id alone");
/// ```
pub struct Secret {
    id: TokenId,
    text: String,
}

impl Secret {
    /// Generates a new secret from the operating system's random number generator.
    ///
    /// # Panics
    /// If the operating system's generator fails.
    #[must_use]
    pub fn generate() -> Self {
        // Both from the system's generator, and a failure panics: a weaker source would make weak secrets.
        let id = Alphanumeric.sample_string(&mut OsRng.unwrap_err(), TokenId::LENGTH);
        let mut random = [0; RANDOM_BYTES];
        OsRng.try_fill_bytes(&mut random).expect("the operating system's random number generator works");
        let id = TokenId::parse(&id).expect("letters and digits of this length are a valid id");
        let body = format!("{PREFIX}{id}_{}", base62(&random, RANDOM_DIGITS));
        let text = format!("{body}{}", checksum(&body));
        Self { id, text }
    }

    /// Parses a secret; `None` unless its form and checksum are right.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let (id, rest) = raw.strip_prefix(PREFIX)?.split_once('_')?;
        let id = TokenId::parse(id).ok()?;
        let is_base62 = rest.bytes().all(|byte| DIGITS.contains(&byte));
        if rest.len() != RANDOM_DIGITS + CHECKSUM_DIGITS || !is_base62 {
            return None;
        }
        // Not in constant time: the checksum follows from the rest, so it protects nothing.
        let (body, sent) = raw.split_at_checked(raw.len() - CHECKSUM_DIGITS)?;
        (checksum(body) == sent).then(|| Self { id, text: raw.to_owned() })
    }

    /// The token's id, its public part.
    #[must_use]
    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// The hash that is stored: BLAKE3 of the whole text.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        // Fast and without salt, unlike for passwords: 256 random bits cannot be guessed, and every request needs it.
        *blake3::hash(self.text.as_bytes()).as_bytes()
    }

    /// The whole text of the token. Show it once, and store it nowhere.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

// By hand, so that no log or panic message can contain the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("id", &self.id).finish_non_exhaustive()
    }
}

/// CRC-32 of `body`, in base62.
fn checksum(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_DIGITS)
}

/// A big-endian number as base62, with a fixed number of digits. Higher digits are cut off.
fn base62(bytes: &[u8], digits: usize) -> String {
    // Repeated division yields the lowest digit first.
    let mut number = bytes.to_vec();
    let mut text: Vec<char> =
        (0..digits).map(|_| char::from(DIGITS[usize::from(divide(&mut number))])).collect();
    text.reverse();
    text.into_iter().collect()
}

/// Divides a big-endian number by 62 in place, and returns the remainder.
fn divide(number: &mut [u8]) -> u8 {
    // Long division, byte by byte. The remainder and a byte together are below 62 * 256, and fit into 16 bits.
    let mut rest = 0_u16;
    for byte in number {
        let value = rest << 8 | u16::from(*byte);
        *byte = u8::try_from(value / 62).expect("below 62 * 256, divided by 62, is below 256");
        rest = value % 62;
    }
    u8::try_from(rest).expect("a remainder of 62 is below 62")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_parses_back_with_the_same_hash() {
        let secret = Secret::generate();
        let read = Secret::parse(secret.reveal()).unwrap();
        assert_eq!((read.id(), read.hash()), (secret.id(), secret.hash()));
        assert_eq!(secret.reveal().len(), PREFIX.len() + 8 + 1 + RANDOM_DIGITS + CHECKSUM_DIGITS);
        assert_ne!(Secret::generate().hash(), secret.hash());
    }

    #[test]
    fn any_changed_character_is_detected() {
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
    fn other_texts_are_not_secrets() {
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
