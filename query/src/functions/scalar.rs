//! How a built-in function becomes a DataFusion function.
//!
//! A [`Definition`] says what a function is called, how many arguments it takes, what it returns and how
//! it is computed. Arguments arrive with whatever type they have: MySQL converts by what a function wants,
//! not by what a planner would cast, so the conversions happen inside ([`super::call::Call`]).

use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};
use deltatree_learner::catalog::SqlType;

use super::call::Call;
use crate::error::{Result, SqlError};
use crate::types::field::with_sql_type;

/// As many arguments as one likes.
pub(super) const MANY: usize = usize::MAX;

/// What a function returns.
#[derive(Clone, Copy)]
pub(super) enum Returns {
    /// `VARCHAR`.
    Text,
    /// Bytes.
    Binary,
    /// `BIGINT`.
    Int,
    /// `BIGINT UNSIGNED`.
    UInt,
    /// `DOUBLE`.
    Double,
    /// True, false or unknown.
    Boolean,
    /// `DATE`.
    Date,
    /// `TIME`.
    Time,
    /// `DATETIME`, digits of the fraction as there are.
    DateTime,
    /// It depends.
    By(fn(&ReturnFieldArgs<'_>) -> Result<Returned>),
}

/// A return type, and the declaration to show for it if Arrow's type does not say enough.
pub(super) struct Returned {
    pub(super) data_type: DataType,
    pub(super) sql_type: Option<SqlType>,
}

impl From<DataType> for Returned {
    fn from(data_type: DataType) -> Self {
        Self { data_type, sql_type: None }
    }
}

/// `DATETIME` without a zone, as Arrow has it.
pub(super) const DATETIME: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
/// `TIME`, as Arrow has it.
pub(super) const TIME: DataType = DataType::Duration(TimeUnit::Microsecond);

type Simplify = fn(Vec<Expr>, &SimplifyContext) -> DataFusionResult<ExprSimplifyResult>;

/// One built-in function.
pub(super) struct Definition {
    name: &'static str,
    aliases: &'static [&'static str],
    arguments: RangeInclusive<usize>,
    returns: Returns,
    compute: fn(&Call<'_>) -> Result<ArrayRef>,
    simplify: Option<Simplify>,
    volatile: bool,
    unnamed: bool,
}

impl Definition {
    /// A deterministic function of so many arguments.
    pub(super) const fn new(
        name: &'static str,
        arguments: RangeInclusive<usize>,
        returns: Returns,
        compute: fn(&Call<'_>) -> Result<ArrayRef>,
    ) -> Self {
        Self { name, aliases: &[], arguments, returns, compute, simplify: None, volatile: false, unnamed: false }
    }

    /// Further names.
    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// A cheaper expression for some arguments.
    pub(super) const fn simplify(mut self, simplify: Simplify) -> Self {
        self.simplify = Some(simplify);
        self
    }

    /// A function that gives another answer with every call.
    pub(super) const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// A conversion that plans do not show: calls are named by their argument.
    pub(super) const fn unnamed(mut self) -> Self {
        self.unnamed = true;
        self
    }

    /// The function, for a registry.
    pub(super) fn udf(&'static self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(BuiltIn::new(self)))
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Its further names; a statement that uses one is rewritten to the first.
    pub(super) fn aliases_of(&self) -> &'static [&'static str] {
        self.aliases
    }
}

struct BuiltIn {
    definition: &'static Definition,
    signature: Signature,
}

impl BuiltIn {
    fn new(definition: &'static Definition) -> Self {
        let volatility = if definition.volatile { Volatility::Volatile } else { Volatility::Immutable };
        let types = match (*definition.arguments.start(), *definition.arguments.end()) {
            (0, 0) => TypeSignature::Nullary,
            (0, _) => TypeSignature::OneOf(vec![TypeSignature::Nullary, TypeSignature::VariadicAny]),
            _ => TypeSignature::VariadicAny,
        };
        Self { definition, signature: Signature::new(types, volatility) }
    }

    fn check_count(&self, count: usize) -> Result<()> {
        if self.definition.arguments.contains(&count) {
            Ok(())
        } else {
            Err(SqlError::parameter_count(&self.definition.name.to_uppercase()))
        }
    }
}

impl std::fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.definition.name)
    }
}

impl PartialEq for BuiltIn {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for BuiltIn {}

impl Hash for BuiltIn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl ScalarUDFImpl for BuiltIn {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn schema_name(&self, args: &[Expr]) -> DataFusionResult<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(match names.as_slice() {
            [name] if self.definition.unnamed => name.clone(),
            names => format!("{}({})", self.definition.name, names.join(",")),
        })
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> DataFusionResult<DataType> {
        let fields: Vec<FieldRef> =
            arg_types.iter().map(|t| Arc::new(Field::new("", t.clone(), true)) as FieldRef).collect();
        let scalars = vec![None; fields.len()];
        let field = self.return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalars })?;
        Ok(field.data_type().clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        self.check_count(args.arg_fields.len())?;
        let returned = match self.definition.returns {
            Returns::Text => DataType::Utf8View.into(),
            Returns::Binary => DataType::BinaryView.into(),
            Returns::Int => DataType::Int64.into(),
            Returns::UInt => DataType::UInt64.into(),
            Returns::Double => DataType::Float64.into(),
            Returns::Boolean => DataType::Boolean.into(),
            Returns::Date => DataType::Date32.into(),
            Returns::Time => TIME.into(),
            Returns::DateTime => DATETIME.into(),
            Returns::By(returns) => returns(&args)?,
        };
        let field = Field::new(self.definition.name, returned.data_type, true);
        Ok(Arc::new(match &returned.sql_type {
            Some(sql_type) => with_sql_type(field, sql_type),
            None => field,
        }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let call = Call::new(&args)?;
        let out = (self.definition.compute)(&call)?;
        if call.constant() && !self.definition.volatile {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?));
        }
        Ok(ColumnarValue::Array(out))
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
        match self.definition.simplify {
            Some(simplify) => simplify(args, context),
            None => Ok(ExprSimplifyResult::Original(args)),
        }
    }
}
