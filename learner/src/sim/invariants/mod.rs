//! What must hold, one property a file, by the names that the design gives them.
//!
//! Some are checked while things happen (they end up in the history as violations), the others on the
//! whole history when a run is over ([`check_all`]).

pub(crate) mod acked_write_is_durable;
pub(crate) mod columnar_equals_row_at_ts;
pub(crate) mod compaction_changes_no_answer;
pub(crate) mod crash_anywhere_then_reopen_equals_model;
pub(crate) mod ids_are_handed_out_once;
pub(crate) mod learner_down_never_blocks_oltp;
pub(crate) mod learner_never_ahead_of_commit;
pub(crate) mod log_order_is_commit_ts_order;
pub(crate) mod no_lost_update;
pub(crate) mod no_partial_transaction_visible;
pub(crate) mod nothing_is_left_behind;
pub(crate) mod one_log;
pub(crate) mod pruning_never_drops_a_row;
pub(crate) mod reads_see_every_commit_before_them;
pub(crate) mod replay_is_idempotent;
pub(crate) mod replicas_hold_the_same_rows;
pub(crate) mod snapshot_reads_are_repeatable;
pub(crate) mod tso_never_goes_back;

use super::history::Taken;

/// What a check found.
pub(crate) type Verdict = Result<(), String>;

/// Checks of a whole history.
pub(crate) fn check_all(history: &Taken) -> Vec<String> {
    let checks = [
        acked_write_is_durable::check,
        columnar_equals_row_at_ts::check,
        no_lost_update::check,
        no_partial_transaction_visible::check,
        reads_see_every_commit_before_them::check,
        tso_never_goes_back::check,
    ];
    checks.into_iter().filter_map(|check| check(history).err()).collect()
}
