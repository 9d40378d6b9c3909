//! `LIKE` and `WHERE` of `SHOW`.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Schema};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::{Expr, Ident, VisitMut, VisitorMut};

use super::Filter;
use crate::error::{Result, SqlError};

/// The rows of an answer that pass.
pub(super) async fn apply(filter: Option<&Filter>, answer: RecordBatch) -> Result<RecordBatch> {
    match filter {
        None => Ok(answer),
        Some(Filter::Like(pattern)) => {
            let first = cast(answer.column(0), &DataType::Utf8)?;
            let passes: BooleanArray =
                first.as_string::<i32>().iter().map(|cell| Some(cell.is_some_and(|c| like(pattern, c)))).collect();
            Ok(filter_record_batch(&answer, &passes)?)
        }
        Some(Filter::Where(condition)) => filter_where(condition, answer).await,
    }
}

/// The condition is small and so is the answer: DataFusion runs it as it comes, on lower-case names.
async fn filter_where(condition: &Expr, answer: RecordBatch) -> Result<RecordBatch> {
    struct LowerCase;
    impl VisitorMut for LowerCase {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Identifier(name) = expr {
                *name = Ident::with_quote('`', name.value.to_lowercase());
            }
            ControlFlow::Continue(())
        }
    }
    let mut condition = condition.clone();
    let _ = condition.visit(&mut LowerCase);
    let schema = answer.schema();
    let lower = schema.fields().iter().map(|f| f.as_ref().clone().with_name(f.name().to_lowercase()));
    let lower = Arc::new(Schema::new(lower.collect::<Vec<_>>()));
    let mut config = SessionConfig::new();
    config.options_mut().sql_parser.dialect = datafusion::config::Dialect::MySQL;
    let context = SessionContext::new_with_config(config);
    let table = context.read_batch(RecordBatch::try_new(lower.clone(), answer.columns().to_vec())?)?;
    let condition = table.parse_sql_expr(&condition.to_string()).map_err(|e| SqlError::new(1064, e.to_string()))?;
    let batches = table.filter(condition)?.collect().await?;
    let rows = arrow::compute::concat_batches(&lower, &batches)?;
    Ok(RecordBatch::try_new(schema, rows.columns().to_vec())?)
}

/// MySQL's `LIKE`, without regard to case: `%` is any text, `_` any character, `\` takes the next one as
/// it is.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last `%` if what follows it does not match here.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('_') => Some(1),
            Some('\\') if p + 1 < pattern.len() => (pattern[p + 1] == text[t]).then_some(2),
            Some(&c) => (c == text[t]).then_some(1),
            None => None,
        };
        match (step, retry) {
            (Some(step), _) => {
                p += step;
                t += 1;
            }
            (None, Some((after, at))) => {
                p = after;
                t = at + 1;
                retry = Some((after, at + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|&c| c == '%')
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use arrow::datatypes::Field;

    use super::*;
    use crate::rewrite::parse_expr;

    #[test]
    fn patterns_match_as_in_mysql() {
        for (pattern, text, expected) in [
            ("version%", "version_comment", true),
            ("VERSION", "version", true),
            ("%set%", "character_set_client", true),
            ("a_c", "abc", true),
            ("a\\_c", "abc", false),
            ("a\\_c", "a_c", true),
            ("%b%d", "abcbd", true),
            ("", "a", false),
            ("%", "", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[tokio::test]
    async fn conditions_name_the_columns_in_any_case() {
        let schema = Arc::new(Schema::new(vec![Field::new("Variable_name", DataType::Utf8, true)]));
        let names: StringArray = ["a", "b", "c"].into_iter().map(Some).collect();
        let answer = RecordBatch::try_new(schema, vec![Arc::new(names)]).unwrap();
        let condition = parse_expr("`variable_NAME` IN ('a', 'c') OR Variable_name LIKE 'b%'").unwrap();
        let rows = apply(Some(&Filter::Where(Box::new(condition))), answer.clone()).await.unwrap();
        assert_eq!(rows.num_rows(), 3);
        let condition = parse_expr("variable_name = 'x'").unwrap();
        let rows = apply(Some(&Filter::Where(Box::new(condition))), answer).await.unwrap();
        assert_eq!((rows.num_rows(), rows.schema().field(0).name().as_str()), (0, "Variable_name"));
    }
}
