//! Paths into documents: `$.a."b c"[0][last]`, and `*` and `**` for many places at once.

use serde_json::Value as Json;

use crate::error::{Result, SqlError};

/// A path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    AnyKey,
    /// Counted from 0.
    Item(usize),
    /// Counted from the end; 0 is the last.
    ItemFromEnd(usize),
    AnyItem,
    /// `**`: here, and everywhere below.
    Below,
}

impl Path {
    /// Reads a path. Fails with 3143.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |rest: &str| {
            let at = text.len() - rest.len();
            let message = format!("Invalid JSON path expression. The error is around character position {at}.");
            SqlError::new(3143, message)
        };
        let mut rest = text.trim_start().strip_prefix('$').ok_or_else(|| wrong(text))?.trim_start();
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest).ok_or_else(|| wrong(rest))?;
            steps.push(step);
            rest = after.trim_start();
        }
        if steps.last() == Some(&Step::Below) { Err(wrong("")) } else { Ok(Self(steps)) }
    }

    /// Whether it may name more than one place.
    pub(super) fn is_many(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::AnyKey | Step::AnyItem | Step::Below))
    }

    /// The values at the places that exist.
    pub(super) fn find<'a>(&self, document: &'a Json) -> Vec<&'a Json> {
        let mut found = vec![document];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| step.of(value)).collect();
        }
        found
    }

    /// The value at the path's place, to change it. `None` if there is none.
    pub(super) fn find_mut<'a>(&self, document: &'a mut Json) -> Option<&'a mut Json> {
        self.0.iter().try_fold(document, |value, step| step.of_mut(value))
    }

    /// Puts `value` at the path's place: where there is something with `replace`, where there is nothing with
    /// `insert`, as long as what it would be in exists.
    pub(super) fn put(&self, document: &mut Json, value: Json, insert: bool, replace: bool) {
        if let Some(place) = self.find_mut(document) {
            if replace {
                *place = value;
            }
            return;
        }
        let Some((last, parents)) = self.0.split_last() else { return };
        let parent = parents.iter().try_fold(document, |value, step| step.of_mut(value));
        let (Some(parent), true) = (parent, insert) else { return };
        match (last, parent) {
            (Step::Key(key), Json::Object(members)) => {
                members.insert(key.clone(), value);
            }
            (Step::Item(_), Json::Array(items)) => items.push(value),
            (Step::Item(_), Json::Object(_)) | (Step::Key(_), _) => {}
            // A scalar is an array of itself.
            (Step::Item(_), scalar) => *scalar = Json::Array(vec![scalar.take(), value]),
            (Step::AnyKey | Step::AnyItem | Step::Below | Step::ItemFromEnd(_), _) => {}
        }
    }

    /// Removes the value at the path's place. False for the document itself.
    pub(super) fn remove(&self, document: &mut Json) -> bool {
        let Some((last, parents)) = self.0.split_last() else { return false };
        match (last, parents.iter().try_fold(document, |value, step| step.of_mut(value))) {
            (Step::Key(key), Some(Json::Object(members))) => {
                members.remove(key);
            }
            (step, Some(Json::Array(items))) => {
                if let Some(at) = step.item(items.len()) {
                    items.remove(at);
                }
            }
            _ => {}
        }
        true
    }
}

impl Step {
    fn item(&self, count: usize) -> Option<usize> {
        match self {
            Self::Item(at) => (*at < count).then_some(*at),
            Self::ItemFromEnd(back) => count.checked_sub(back + 1),
            _ => None,
        }
    }

    fn of<'a>(&self, value: &'a Json) -> Vec<&'a Json> {
        match (self, value) {
            (Self::Key(key), Json::Object(members)) => members.get(key).into_iter().collect(),
            (Self::AnyKey, Json::Object(members)) => {
                crate::types::json::ordered_members(members).into_iter().map(|(_, v)| v).collect()
            }
            (Self::AnyItem, Json::Array(items)) => items.iter().collect(),
            (Self::Below, value) => {
                let mut found = Vec::new();
                below(value, &mut found);
                found
            }
            (step, Json::Array(items)) => step.item(items.len()).into_iter().map(|at| &items[at]).collect(),
            // Anything else is an array of itself.
            (step, value) => step.item(1).into_iter().map(|_| value).collect(),
        }
    }

    fn of_mut<'a>(&self, value: &'a mut Json) -> Option<&'a mut Json> {
        match (self, value) {
            (Self::Key(key), Json::Object(members)) => members.get_mut(key),
            (step, Json::Array(items)) => step.item(items.len()).map(|at| &mut items[at]),
            (step, value) => step.item(1).map(|_| value),
        }
    }
}

fn below<'a>(value: &'a Json, found: &mut Vec<&'a Json>) {
    found.push(value);
    match value {
        Json::Array(items) => items.iter().for_each(|v| below(v, found)),
        Json::Object(members) => {
            crate::types::json::ordered_members(members).into_iter().for_each(|(_, v)| below(v, found));
        }
        _ => {}
    }
}

/// The first step of a text, and what follows it.
fn step(text: &str) -> Option<(Step, &str)> {
    if let Some(rest) = text.strip_prefix("**") {
        return Some((Step::Below, rest));
    }
    if let Some(rest) = text.strip_prefix('.') {
        let rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('*') {
            return Some((Step::AnyKey, rest));
        }
        if rest.starts_with('"') {
            let mut keys = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let key = keys.next()?.ok()?;
            let end = keys.byte_offset();
            return Some((Step::Key(key), &rest[end..]));
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        let key = &rest[..end];
        let first = key.chars().next()?;
        return (!first.is_ascii_digit()).then(|| (Step::Key(key.to_owned()), &rest[end..]));
    }
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    let inside = inside.trim();
    let step = if inside == "*" {
        Step::AnyItem
    } else if let Some(back) = inside.strip_prefix("last") {
        match back.trim() {
            "" => Step::ItemFromEnd(0),
            back => Step::ItemFromEnd(back.strip_prefix('-')?.trim().parse().ok()?),
        }
    } else {
        Step::Item(inside.parse().ok()?)
    };
    Some((step, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(path: &str, document: &Json) -> Vec<Json> {
        Path::parse(path).unwrap().find(document).into_iter().cloned().collect()
    }

    #[test]
    fn places_are_found() {
        let document = json!({"a": [1, {"b c": 2}, 3], "d": {"a": 4}});
        for (path, expected) in [
            ("$", json!([document])),
            ("$.a[0]", json!([1])),
            ("$.a[1].\"b c\"", json!([2])),
            ("$.a[last]", json!([3])),
            ("$.a[last-2]", json!([1])),
            ("$.a[9]", json!([])),
            ("$.d.a[0]", json!([4])),
            ("$.*.a", json!([4])),
            ("$.a[*]", json!([1, {"b c": 2}, 3])),
            ("$**.a", json!([[1, {"b c": 2}, 3], 4])),
            (" $ . d . a ", json!([4])),
        ] {
            assert_eq!(Json::Array(find(path, &document)), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "a", "$.", "$.1", "$[", "$[x]", "$[last+1]", "$**", "$ a", "$.\"a"] {
            assert_eq!(Path::parse(path).unwrap_err().code, 3143, "{path}");
        }
    }

    #[test]
    fn values_are_put_and_removed() {
        let put = |path: &str, insert, replace| {
            let mut document = json!({"a": [1], "b": 2});
            Path::parse(path).unwrap().put(&mut document, json!(9), insert, replace);
            document
        };
        assert_eq!(put("$.a[0]", true, true), json!({"a": [9], "b": 2}));
        assert_eq!(put("$.a[5]", true, true), json!({"a": [1, 9], "b": 2}));
        assert_eq!(put("$.b[1]", true, true), json!({"a": [1], "b": [2, 9]}));
        assert_eq!(put("$.c", true, false), json!({"a": [1], "b": 2, "c": 9}));
        assert_eq!(put("$.c", false, true), json!({"a": [1], "b": 2}));
        assert_eq!(put("$.c.d", true, true), json!({"a": [1], "b": 2}));
        let mut document = json!({"a": [1, 2], "b": 2});
        assert!(Path::parse("$.a[last]").unwrap().remove(&mut document));
        assert!(Path::parse("$.b").unwrap().remove(&mut document));
        assert!(!Path::parse("$").unwrap().remove(&mut document));
        assert_eq!(document, json!({"a": [1]}));
    }
}
