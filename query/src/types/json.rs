//! JSON documents in MySQL's normal form.

use serde_json::Value as Json;

/// A document as MySQL writes it: a blank after `,` and `:`, keys ordered by length, then bytes.
pub fn json_text(document: &Json) -> String {
    let mut out = String::new();
    write_json(document, &mut out);
    out
}

/// The members of an object in MySQL's order.
pub fn ordered_members(object: &serde_json::Map<String, Json>) -> Vec<(&String, &Json)> {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    members
}

fn write_json(document: &Json, out: &mut String) {
    match document {
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Json::Object(object) => {
            out.push('{');
            for (i, (key, item)) in ordered_members(object).into_iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push_str(": ");
                write_json(item, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}
