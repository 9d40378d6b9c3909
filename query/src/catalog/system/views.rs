//! `views`.

use deltatree_learner::catalog::CatalogSnapshot;

use super::relation::Kind::Text;
use super::relation::Relation;

pub(super) fn views(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("TABLE_CATALOG", Text),
        ("TABLE_SCHEMA", Text),
        ("TABLE_NAME", Text),
        ("VIEW_DEFINITION", Text),
        ("CHECK_OPTION", Text),
        ("IS_UPDATABLE", Text),
        ("DEFINER", Text),
        ("SECURITY_TYPE", Text),
        ("CHARACTER_SET_CLIENT", Text),
        ("COLLATION_CONNECTION", Text),
    ]);
    for view in catalog.views() {
        out.push(vec![
            "def".into(),
            view.database.as_str().into(),
            view.name.as_str().into(),
            view.definition.as_str().into(),
            view.check_option.as_str().into(),
            "NO".into(),
            view.definer.as_str().into(),
            if view.invoker_rights { "INVOKER" } else { "DEFINER" }.into(),
            "utf8mb4".into(),
            "utf8mb4_bin".into(),
        ]);
    }
    out
}
