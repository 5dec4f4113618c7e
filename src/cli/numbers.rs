//! Numbers for people: digits in groups of three, and nouns in the right number.

/// A number with its digits in groups of three: `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with its noun: `1 unit`, `12,345 units`.
pub(super) fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        let people = |number| counted(number, "person", "people");
        assert_eq!([0, 1, 1_509].map(people), ["0 people", "1 person", "1,509 people"]);
        assert_eq!([999, 12_345, 1_234_567].map(grouped), ["999", "12,345", "1,234,567"]);
    }
}
