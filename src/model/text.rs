//! How texts are compared: [`fold`] for equality, [`bare`] for search, [`Collated`]
//! for sorting.
//!
//! Invariant: two texts with the same fold have the same bare form, so whatever is equal is also found.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::LazyLock;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer, DecomposingNormalizerBorrowed,
};

/// Whether a character shows nothing by itself, or changes the direction or the lines of the text around it: Unicode's
/// default-ignorable code points, bidirectional controls and separators. Not the selectors of emoji, U+FE0E and U+FE0F.
pub(super) fn is_invisible(letter: char) -> bool {
    matches!(u32::from(letter),
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0D | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// The form in which texts are compared: without case, each run of white space as one blank, without invisible
/// characters, composed (NFC). Borrows when there is nothing to change.
///
/// ```
/// use clade::model::text::fold;
///
/// assert_eq!(fold("Büro  NORD"), fold("BU\u{308}RO nord"));
/// assert_eq!(fold("Straße"), fold("STRASSE"));
/// assert!(matches!(fold("team-7"), std::borrow::Cow::Borrowed(_)));
/// ```
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let is_blank = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0B;
        let mut before = 0;
        let changes = text.bytes().any(|byte| {
            let is_second = is_blank(before) && is_blank(byte);
            before = byte;
            is_second || byte.is_ascii_uppercase() || is_blank(byte) && byte != b' '
        });
        return if changes {
            Cow::Owned(with_single_blanks(&text.to_ascii_lowercase()))
        } else {
            Cow::Borrowed(text)
        };
    }
    // Decomposed first and composed last: case folding is defined on decomposed text (Unicode, section 3.13).
    let decomposed: String = NFD.normalize_iter(text.chars().filter(|letter| !is_ignored(*letter))).collect();
    let folded = CASES.fold_string(&decomposed);
    Cow::Owned(with_single_blanks(&NFC.normalize(&folded)))
}

/// The form in which texts are searched: as [`fold`], and without marks on letters.
///
/// ```
/// use clade::model::text::bare;
///
/// assert_eq!(bare("Łódź"), "lodz");
/// assert_eq!(bare("ΝΊΚΟΣ"), bare("νικος"));
/// assert_eq!(bare("がく"), "がく", "marks that make another letter stay");
/// ```
#[must_use]
pub fn bare(text: &str) -> Cow<'_, str> {
    let folded = fold(text);
    if folded.is_ascii() {
        return folded;
    }
    let mut plain = String::with_capacity(folded.len());
    for letter in NFD.normalize_iter(folded.chars()) {
        match letter {
            'ł' => plain.push('l'),
            'ø' => plain.push('o'),
            'đ' | 'ð' => plain.push('d'),
            'ħ' => plain.push('h'),
            'ŧ' => plain.push('t'),
            'ı' => plain.push('i'),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            mark if is_mark(mark) => {}
            other => plain.push(other),
        }
    }
    // A text of marks alone must not become empty: an empty text stands for a missing one.
    if plain.is_empty() { folded } else { Cow::Owned(NFC.normalize(&plain).into_owned()) }
}

/// A text that sorts by the root collation of Unicode (CLDR): `Öl` after `ofen` and before `zoo`, small letters before
/// capital ones where nothing else differs.
///
/// ```
/// use clade::model::text::Collated;
///
/// let mut names = ["zoo", "Öl", "apple", "Äpfel", "Ofen"].map(Collated::from);
/// names.sort();
/// assert_eq!(names.map(|name| name.0), ["Äpfel", "apple", "Ofen", "Öl", "zoo"]);
/// ```
#[derive(Debug, Clone)]
pub struct Collated<'a>(pub Cow<'a, str>);

impl<'a> From<&'a str> for Collated<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Ord for Collated<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_ascii(self.0.as_bytes(), other.0.as_bytes())
            .unwrap_or_else(|| COLLATOR.compare(&self.0, &other.0))
    }
}

impl PartialOrd for Collated<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Collated<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Collated<'_> {}

static NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();
static NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();
static CASES: CaseMapperBorrowed<'static> = CaseMapper::new();
static COLLATOR: LazyLock<CollatorBorrowed<'static>> = LazyLock::new(|| {
    Collator::try_new(CollatorPreferences::default(), CollatorOptions::default())
        .expect("the root collation is compiled in")
});

/// The place of each ASCII character in the root collation, the same for both cases of a letter; 0 for control
/// characters, which it passes over.
static ASCII_RANKS: LazyLock<[u8; 128]> = LazyLock::new(|| {
    let mut printable: Vec<u8> = (b' '..=b'~').collect();
    let folded = |byte: &u8| char::from(byte.to_ascii_lowercase()).to_string();
    printable.sort_by(|a, b| COLLATOR.compare(&folded(a), &folded(b)));
    let mut ranks = [0; 128];
    let mut rank = 0;
    let mut before = None;
    for byte in printable {
        if before != Some(byte.to_ascii_lowercase()) {
            rank += 1;
        }
        before = Some(byte.to_ascii_lowercase());
        ranks[usize::from(byte)] = rank;
    }
    ranks
});

/// The order of two texts, as far as their ASCII characters decide it.
// Most names are ASCII, and a sorted list of a million is built by twenty million comparisons; the collator takes several
// times as long for each.
fn compare_ascii(a: &[u8], b: &[u8]) -> Option<Ordering> {
    let ranks = &*ASCII_RANKS;
    let rank = |byte: u8| ranks.get(usize::from(byte)).copied().filter(|rank| *rank > 0);
    let mut case = Ordering::Equal;
    for (one, other) in a.iter().zip(b) {
        if one == other && one.is_ascii_graphic() {
            continue;
        }
        match rank(*one)?.cmp(&rank(*other)?) {
            // The same letter in two cases: counts only if nothing else differs, and small letters come first.
            Ordering::Equal => case = case.then(other.cmp(one)),
            decided => return Some(decided),
        }
    }
    match a.len().cmp(&b.len()) {
        Ordering::Equal => Some(case),
        // What follows decides only if it counts; a mark on the last letter does not.
        Ordering::Less => rank(b[a.len()]).map(|_| Ordering::Less),
        Ordering::Greater => rank(a[b.len()]).map(|_| Ordering::Greater),
    }
}

/// Joins each run of white space to one blank.
fn with_single_blanks(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut after_blank = false;
    for letter in text.chars() {
        let is_blank = letter.is_whitespace();
        if !(is_blank && after_blank) {
            joined.push(if is_blank { ' ' } else { letter });
        }
        after_blank = is_blank;
    }
    joined
}

/// Whether comparison passes over a character.
fn is_ignored(letter: char) -> bool {
    is_invisible(letter) && !letter.is_whitespace() || matches!(letter, '\u{FE0E}' | '\u{FE0F}')
}

/// Whether a character is a mark on a letter, without which the letter is still read: the accents of Latin, Greek and
/// Cyrillic, the points of Hebrew and Arabic.
// Not the signs of Indic scripts or Japanese, which make another letter.
fn is_mark(letter: char) -> bool {
    matches!(u32::from(letter),
        0x0300..=0x036F | 0x0483..=0x0487 | 0x0591..=0x05BD | 0x05BF | 0x05C1..=0x05C2 | 0x05C4..=0x05C5 | 0x05C7
        | 0x0610..=0x061A | 0x064B..=0x065F | 0x0670 | 0x06D6..=0x06DC | 0x06DF..=0x06E4 | 0x06E7..=0x06E8
        | 0x06EA..=0x06ED | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_texts_have_one_form() {
        for (one, other) in [
            ("Zoë Müller", "ZOE\u{308} MU\u{308}LLER"),
            ("Straße", "STRASSE"),
            ("ΝΙΚΟΣ", "νικος"),
            ("ΟΔΟΣ", "οδοσ"),
            ("a\u{A0} b", "A b"),
            ("Team\u{200B}One", "teamone"),
            ("🛠\u{FE0F} Tools", "🛠 tools"),
            ("R&D\t\tLab", "r&d lab"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("Ole"), fold("Öle"));
    }

    #[test]
    fn search_needs_no_marks() {
        for (text, typed) in [
            ("Åse", "ase"),
            ("łódź", "lodz"),
            ("STRASSE", "straße"),
            ("ΝΙΚΟΣΊΑ", "νικοσια"),
            ("İstanbul", "istanbul"),
            ("Ærø", "aero"),
            ("ёлка", "елка"),
            ("שָׁלוֹם", "שלום"),
        ] {
            assert_eq!(bare(text), bare(typed), "{text}");
        }
        assert_ne!(bare("か"), bare("が"));
        assert_ne!(bare("\u{301}"), "");
    }

    proptest! {
        #[test]
        fn the_short_way_sorts_as_the_collator(
            a in "[ -~]{0,6}|[ -~äÖłß\u{301}か\u{1}]{0,5}", b in "[ -~]{0,6}|[ -~äÖłß\u{301}か\u{1}]{0,5}",
        ) {
            let collated = Collated::from(&*a).cmp(&Collated::from(&*b));
            prop_assert_eq!(collated, COLLATOR.compare(&a, &b), "{:?} {:?}", a, b);
        }

        #[test]
        fn forms_are_their_own_forms(text in "\\PC{0,12}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded.clone());
            prop_assert_eq!(bare(&folded), bare(&text));
            let bare_text = bare(&text);
            prop_assert_eq!(bare(&bare_text), bare_text.clone());
        }
    }
}
