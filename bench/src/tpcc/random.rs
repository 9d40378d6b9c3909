//! The specification's random texts and its skewed numbers (clauses 2.1.6 and 4.3.2).

use crate::crash::random::Random;

/// What last names are made of.
const SYLLABLES: [&str; 10] = ["BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"];
const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The constant C of the skew of customer and item numbers.
const C_NUMBER: u32 = 259;
/// The constant C of the skew of last names in the population.
const C_LAST_LOADED: u32 = 123;
/// The same while transactions run. The difference of the two must be one of 65 to 119, but not 96 or 112.
const C_LAST_RUN: u32 = 208;

/// A source of the specification's random values: one seed, one sequence.
#[derive(Clone, Debug)]
pub struct Source(Random);

impl Source {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// A number from `first` to `last`, both possible.
    pub fn number(&mut self, first: u32, last: u32) -> u32 {
        let below = u64::from(last.saturating_sub(first)) + 1;
        first + self.0.below(below) as u32
    }

    /// Whether something happens that has this chance in a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.0.percent(chance)
    }

    /// A customer number.
    pub fn customer(&mut self, customers: u32) -> u32 {
        self.skewed(1023, C_NUMBER, 1, customers)
    }

    /// An item number.
    pub fn item(&mut self, items: u32) -> u32 {
        self.skewed(8191, C_NUMBER, 1, items)
    }

    /// A last name for a row of the population.
    pub fn loaded_last_name(&mut self, names: u32) -> String {
        let number = self.skewed(255, C_LAST_LOADED, 0, names.saturating_sub(1));
        last_name(number)
    }

    /// A last name to look for.
    pub fn wanted_last_name(&mut self, names: u32) -> String {
        let number = self.skewed(255, C_LAST_RUN, 0, names.saturating_sub(1));
        last_name(number)
    }

    /// The specification's `NURand(mask, first, last)` with the constant `c`.
    fn skewed(&mut self, mask: u32, c: u32, first: u32, last: u32) -> u32 {
        let drawn = self.number(0, mask) | self.number(first, last);
        (drawn + c) % (last - first + 1) + first
    }

    /// Letters and digits, from `shortest` to `longest` of them.
    pub fn text(&mut self, shortest: u32, longest: u32) -> String {
        let length = self.number(shortest, longest);
        (0..length).map(|_| self.one_of(ALPHANUMERIC)).collect()
    }

    /// So many digits.
    pub fn digits(&mut self, length: u32) -> String {
        (0..length).map(|_| self.one_of(b"0123456789")).collect()
    }

    /// Two streets, a city, its state and post code, as five fields of a line.
    pub fn address(&mut self) -> String {
        let [street_1, street_2, city] = std::array::from_fn(|_| self.text(10, 20));
        format!("{street_1}\t{street_2}\t{city}\t{}\t{}", self.state(), self.zip())
    }

    /// A post code.
    pub fn zip(&mut self) -> String {
        self.digits(4) + "11111"
    }

    /// A state whose first letter is the number of one of 25 nations, from `A`.
    pub fn state(&mut self) -> String {
        let nation = self.one_of(b"ABCDEFGHIJKLMNOPQRSTUVWXY");
        [nation, self.one_of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")].into_iter().collect()
    }

    /// Text of an item or a stock: one in ten has the word `ORIGINAL` in it.
    pub fn data(&mut self) -> String {
        const WORD: &str = "ORIGINAL";
        let mut text = self.text(26, 50);
        if self.percent(10) {
            let at = self.number(0, (text.len() - WORD.len()) as u32) as usize;
            text.replace_range(at..at + WORD.len(), WORD);
        }
        text
    }

    /// The numbers from 1 to `last`, shuffled.
    pub fn permutation(&mut self, last: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> = (1..=last).collect();
        for end in (1..last).rev() {
            let other = self.number(0, end);
            numbers.swap(end as usize, other as usize);
        }
        numbers
    }

    fn one_of(&mut self, characters: &[u8]) -> char {
        let at = self.number(0, characters.len() as u32 - 1) as usize;
        characters.get(at).copied().map_or(' ', char::from)
    }
}

/// The last name of a number below 1,000.
pub fn last_name(number: u32) -> String {
    [number / 100, number / 10, number].map(|digits| SYLLABLES[digits as usize % SYLLABLES.len()]).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_names_are_the_specification_s() {
        assert_eq!(last_name(371), "PRICALLYOUGHT");
        assert_eq!(last_name(40), "BARPRESBAR");
        assert_eq!(last_name(999), "EINGEINGEING");
        assert!((65..=119).contains(&(C_LAST_RUN - C_LAST_LOADED)));
        assert!(![96, 112].contains(&(C_LAST_RUN - C_LAST_LOADED)));
    }

    #[test]
    fn numbers_stay_in_their_range_and_are_skewed() {
        let mut source = Source::new(1);
        let mut counts = [0_u32; 3001];
        for _ in 0..300_000 {
            counts[source.customer(3_000) as usize] += 1;
        }
        assert_eq!(counts[0], 0);
        // Drawn evenly each would come 100 times, give or take 40.
        assert!(counts.iter().any(|&count| count > 300) && counts[1..].iter().any(|&count| count < 30));
        assert!((0..10_000).all(|_| (1..=10_000).contains(&source.item(10_000))));
        assert!((0..1_000).all(|_| (5..=15).contains(&source.number(5, 15))));
    }

    #[test]
    fn texts_have_their_lengths() {
        let mut source = Source::new(2);
        for _ in 0..1_000 {
            assert!((26..=50).contains(&source.data().len()));
            assert_eq!((source.zip().len(), source.state().len(), source.digits(16).len()), (9, 2, 16));
        }
        let original = (0..10_000).filter(|_| source.data().contains("ORIGINAL")).count();
        assert!((800..1_200).contains(&original), "{original}");
    }

    #[test]
    fn permutations_have_each_number_once() {
        let mut numbers = Source::new(3).permutation(100);
        assert_ne!(numbers, (1..=100).collect::<Vec<_>>());
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn one_seed_is_one_sequence() {
        let texts = |seed| (0..10).map(move |_| Source::new(seed).text(5, 50)).collect::<Vec<_>>();
        assert_eq!(texts(7), texts(7));
        assert_ne!(texts(7), texts(8));
    }
}
