//! What the rows of one writer must be.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::outcome::Outcome;

/// The changes of one transaction: each key's new row, `None` for a deletion.
pub type Changes<K, V> = BTreeMap<K, Option<V>>;

/// The rows that one writer has made, and its last transaction if nobody knows what became of it.
#[derive(Clone, Debug, Default)]
pub struct Model<K, V> {
    rows: BTreeMap<K, V>,
    unknown: Option<Changes<K, V>>,
}

impl<K: Ord + Clone + Debug, V: Clone + PartialEq + Debug> Model<K, V> {
    /// No rows.
    pub fn new() -> Self {
        Self { rows: BTreeMap::new(), unknown: None }
    }

    /// The row of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// Takes note of a transaction.
    ///
    /// After an unknown one the writer stops, until [`Model::resolve`].
    pub fn note(&mut self, changes: Changes<K, V>, outcome: Outcome) {
        match outcome {
            Outcome::Committed => apply(&mut self.rows, changes),
            Outcome::RolledBack => {}
            Outcome::Unknown => self.unknown = Some(changes),
        }
    }

    /// Compares with what is there now, and learns from it what became of the unknown transaction:
    /// whether it was there, `None` if there was none.
    ///
    /// # Errors
    /// The first difference, in words.
    pub fn resolve(&mut self, actual: &BTreeMap<K, V>) -> Result<Option<bool>, String> {
        let without = difference(&self.rows, actual);
        let Some(changes) = self.unknown.take() else {
            return match without {
                None => Ok(None),
                Some(difference) => Err(difference),
            };
        };
        let mut with_changes = self.rows.clone();
        apply(&mut with_changes, changes.clone());
        match (without, difference(&with_changes, actual)) {
            (_, None) => {
                self.rows = with_changes;
                Ok(Some(true))
            }
            (None, Some(_)) => Ok(Some(false)),
            (Some(without), Some(with)) => Err(format!(
                "the unknown transaction {changes:?} is neither absent ({without}) nor there as a whole ({with})"
            )),
        }
    }
}

fn apply<K: Ord, V>(rows: &mut BTreeMap<K, V>, changes: Changes<K, V>) {
    for (key, row) in changes {
        match row {
            Some(row) => rows.insert(key, row),
            None => rows.remove(&key),
        };
    }
}

/// The first difference between two sets of rows, in words; `None` if they are equal.
pub fn difference<K: Ord + Debug, V: PartialEq + Debug>(
    expected: &BTreeMap<K, V>,
    actual: &BTreeMap<K, V>,
) -> Option<String> {
    for (key, wanted) in expected {
        match actual.get(key) {
            Some(found) if found == wanted => {}
            Some(found) => return Some(format!("row {key:?} is {found:?} instead of {wanted:?}")),
            None => return Some(format!("row {key:?} is missing: {wanted:?}")),
        }
    }
    let extra = actual.iter().find(|(key, _)| !expected.contains_key(key));
    extra.map(|(key, found)| format!("row {key:?} should not be there: {found:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(pairs: &[(i32, i32)]) -> BTreeMap<i32, i32> {
        pairs.iter().copied().collect()
    }

    fn model() -> Model<i32, i32> {
        let mut model = Model::new();
        model.note(BTreeMap::from([(1, Some(10)), (2, Some(20))]), Outcome::Committed);
        model.note(BTreeMap::from([(1, Some(0))]), Outcome::RolledBack);
        model
    }

    #[test]
    fn committed_is_there_and_rolled_back_is_not() {
        assert_eq!(model().resolve(&rows(&[(1, 10), (2, 20)])), Ok(None));
        assert!(model().resolve(&rows(&[(1, 10)])).is_err());
        assert!(model().resolve(&rows(&[(1, 0), (2, 20)])).is_err());
        assert!(model().resolve(&rows(&[(1, 10), (2, 20), (3, 0)])).is_err());
    }

    #[test]
    fn unknown_is_there_wholly_or_not_at_all() {
        let mut unknown = model();
        unknown.note(BTreeMap::from([(1, None), (3, Some(30))]), Outcome::Unknown);
        assert_eq!(unknown.clone().resolve(&rows(&[(1, 10), (2, 20)])), Ok(Some(false)));
        assert!(unknown.clone().resolve(&rows(&[(2, 20)])).is_err());
        assert!(unknown.clone().resolve(&rows(&[(1, 10), (2, 20), (3, 30)])).is_err());
        assert_eq!(unknown.resolve(&rows(&[(2, 20), (3, 30)])), Ok(Some(true)));
        assert_eq!(unknown.resolve(&rows(&[(2, 20), (3, 30)])), Ok(None));
    }
}
