//! The secret form of a token: `clade_` + 8-character id + `_` + 32 random bytes in base62 + checksum.
//!
//! A secret is shown once, never stored, and never printed by `Debug`.

use crate::model::token::TokenId;

/// A token as its holder has it.
pub struct Secret {
    id: TokenId,
    text: String,
}

impl Secret {
    /// A new one from the system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        todo!()
    }

    /// Reads a secret; none unless its form and checksum are right.
    #[must_use]
    pub fn parse(_raw: &str) -> Option<Self> {
        todo!()
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
