//! The system variables: names that clients read and set, with their defaults.
//!
//! Most only exist so that a client which asks gets MySQL's answer. Those that change behaviour are
//! read through [`super::SessionVariables`].

use std::collections::HashMap;
use std::sync::LazyLock;

use super::variables::{Scope, VariableValue};

/// A system variable.
pub(crate) struct Definition {
    /// Lower-case name.
    pub(crate) name: &'static str,
    /// Where it may be read and set.
    pub(crate) scope: Scope,
    /// Value at start.
    pub(crate) default: fn() -> VariableValue,
}

/// Looks a variable up by its lower-case name.
pub(crate) fn find(name: &str) -> Option<&'static Definition> {
    static BY_NAME: LazyLock<HashMap<&str, &Definition>> =
        LazyLock::new(|| DEFINITIONS.iter().map(|d| (d.name, d)).collect());
    BY_NAME.get(name).copied()
}

/// All of them, by name.
pub(crate) fn all() -> &'static [Definition] {
    DEFINITIONS
}

macro_rules! definitions {
    ($($scope:ident $name:literal = $kind:ident($value:expr);)*) => {
        const DEFINITIONS: &[Definition] = &[$(Definition {
            name: $name,
            scope: Scope::$scope,
            default: || VariableValue::$kind($value.into()),
        }),*];
    };
}

definitions! {
    Both "auto_increment_increment" = Int(1);
    Both "auto_increment_offset" = Int(1);
    Both "autocommit" = Bool(true);
    Both "automatic_sp_privileges" = Bool(true);
    Global "back_log" = Int(151);
    ReadOnly "basedir" = Text("/");
    Both "big_tables" = Bool(false);
    ReadOnly "bind_address" = Text("127.0.0.1");
    Both "binlog_format" = Text("ROW");
    Both "binlog_row_image" = Text("FULL");
    Both "block_encryption_mode" = Text("aes-128-ecb");
    Both "bulk_insert_buffer_size" = Int(8_388_608);
    Both "character_set_client" = Text("utf8mb4");
    Both "character_set_connection" = Text("utf8mb4");
    Both "character_set_database" = Text("utf8mb4");
    Both "character_set_filesystem" = Text("binary");
    Both "character_set_results" = Text("utf8mb4");
    Both "character_set_server" = Text("utf8mb4");
    ReadOnly "character_set_system" = Text("utf8mb3");
    ReadOnly "character_sets_dir" = Text("");
    Both "collation_connection" = Text("utf8mb4_bin");
    Both "collation_database" = Text("utf8mb4_bin");
    Both "collation_server" = Text("utf8mb4_bin");
    Both "completion_type" = Text("NO_CHAIN");
    Global "connect_timeout" = Int(10);
    ReadOnly "datadir" = Text("");
    Both "default_collation_for_utf8mb4" = Text("utf8mb4_bin");
    Global "default_authentication_plugin" = Text("mysql_native_password");
    Both "default_storage_engine" = Text("InnoDB");
    Both "default_tmp_storage_engine" = Text("InnoDB");
    Both "default_week_format" = Int(0);
    Both "div_precision_increment" = Int(4);
    Both "eq_range_index_dive_limit" = Int(200);
    Global "event_scheduler" = Bool(false);
    Both "explicit_defaults_for_timestamp" = Bool(true);
    Both "foreign_key_checks" = Bool(true);
    Both "group_concat_max_len" = Int(1024);
    Both "gtid_mode" = Text("OFF");
    Both "gtid_next" = Text("AUTOMATIC");
    Global "gtid_executed" = Text("");
    Global "gtid_purged" = Text("");
    ReadOnly "have_openssl" = Text("DISABLED");
    ReadOnly "have_profiling" = Text("NO");
    ReadOnly "have_query_cache" = Text("NO");
    ReadOnly "have_ssl" = Text("DISABLED");
    ReadOnly "have_symlink" = Text("DISABLED");
    ReadOnly "hostname" = Text("localhost");
    Session "identity" = Int(0);
    Both "init_connect" = Text("");
    Global "innodb_buffer_pool_size" = Int(134_217_728);
    Global "innodb_file_per_table" = Bool(true);
    Global "innodb_flush_log_at_trx_commit" = Int(1);
    Both "innodb_lock_wait_timeout" = Int(50);
    ReadOnly "innodb_page_size" = Int(16_384);
    ReadOnly "innodb_read_only" = Bool(false);
    Both "innodb_strict_mode" = Bool(true);
    ReadOnly "innodb_version" = Text("8.0.11");
    Session "insert_id" = Int(0);
    Both "interactive_timeout" = Int(28_800);
    Session "last_insert_id" = Int(0);
    Both "lc_messages" = Text("en_US");
    Both "lc_time_names" = Text("en_US");
    ReadOnly "license" = Text("Apache License 2.0");
    Global "local_infile" = Bool(true);
    Both "lock_wait_timeout" = Int(31_536_000);
    Global "log_bin" = Bool(false);
    Global "log_output" = Text("FILE");
    Both "long_query_time" = Float(10.0);
    ReadOnly "lower_case_file_system" = Bool(false);
    ReadOnly "lower_case_table_names" = Int(2);
    Both "low_priority_updates" = Bool(false);
    Both "max_allowed_packet" = Int(67_108_864);
    Global "max_connections" = Int(1_040);
    Both "max_execution_time" = Int(0);
    Both "max_heap_table_size" = Int(16_777_216);
    Both "max_join_size" = UInt(u64::MAX);
    Global "max_prepared_stmt_count" = Int(16_382);
    Both "max_sort_length" = Int(1024);
    Both "max_user_connections" = Int(0);
    Both "net_buffer_length" = Int(16_384);
    Both "net_read_timeout" = Int(30);
    Both "net_retry_count" = Int(10);
    Both "net_write_timeout" = Int(60);
    Both "old_passwords" = Int(0);
    Both "optimizer_search_depth" = Int(62);
    Both "optimizer_switch" = Text("");
    Global "performance_schema" = Bool(false);
    ReadOnly "port" = Int(4000);
    Both "profiling" = Bool(false);
    Both "profiling_history_size" = Int(15);
    ReadOnly "protocol_version" = Int(10);
    Session "pseudo_thread_id" = Int(0);
    Both "query_cache_limit" = Int(1_048_576);
    Global "query_cache_size" = Int(0);
    Both "query_cache_type" = Text("OFF");
    Both "range_alloc_block_size" = Int(4096);
    Both "read_buffer_size" = Int(131_072);
    Global "read_only" = Bool(false);
    Both "read_rnd_buffer_size" = Int(262_144);
    Global "require_secure_transport" = Bool(false);
    Global "secure_auth" = Bool(true);
    ReadOnly "secure_file_priv" = Text("");
    Both "server_id" = Int(1);
    ReadOnly "server_uuid" = Text("00000000-0000-0000-0000-000000000000");
    Both "session_track_gtids" = Text("OFF");
    Both "session_track_schema" = Bool(true);
    Both "session_track_system_variables" = Text("");
    Both "session_track_transaction_info" = Text("OFF");
    ReadOnly "skip_name_resolve" = Bool(true);
    ReadOnly "skip_networking" = Bool(false);
    ReadOnly "socket" = Text("");
    Both "sort_buffer_size" = Int(262_144);
    Both "sql_auto_is_null" = Bool(false);
    Both "sql_big_selects" = Bool(true);
    Session "sql_log_bin" = Bool(true);
    Both "sql_log_off" = Bool(false);
    Both "sql_mode" = Text(super::variables::DEFAULT_SQL_MODE);
    Both "sql_notes" = Bool(true);
    Both "sql_quote_show_create" = Bool(true);
    Both "sql_require_primary_key" = Bool(false);
    Both "sql_safe_updates" = Bool(false);
    Both "sql_select_limit" = UInt(u64::MAX);
    Both "sql_warnings" = Bool(false);
    Global "super_read_only" = Bool(false);
    ReadOnly "system_time_zone" = Text("UTC");
    Both "table_definition_cache" = Int(-1);
    Global "table_open_cache" = Int(2000);
    Global "thread_cache_size" = Int(9);
    Both "time_zone" = Text("SYSTEM");
    Session "timestamp" = Float(0.0);
    ReadOnly "tls_version" = Text("");
    Both "tmp_table_size" = Int(16_777_216);
    ReadOnly "tmpdir" = Text("/tmp");
    Both "transaction_alloc_block_size" = Int(8192);
    Both "transaction_isolation" = Text("REPEATABLE-READ");
    Both "transaction_prealloc_size" = Int(4096);
    Both "transaction_read_only" = Bool(false);
    Both "tx_isolation" = Text("REPEATABLE-READ");
    Both "tx_read_only" = Bool(false);
    Both "unique_checks" = Bool(true);
    Both "updatable_views_with_limit" = Bool(true);
    ReadOnly "version" = Text(crate::session::SERVER_VERSION);
    ReadOnly "version_comment" = Text("DeltaTree, Apache License 2.0, MySQL and TiDB compatible");
    ReadOnly "version_compile_machine" = Text(std::env::consts::ARCH);
    ReadOnly "version_compile_os" = Text(std::env::consts::OS);
    Both "wait_timeout" = Int(28_800);
    Both "warning_count" = Int(0);
    Both "error_count" = Int(0);
    Session "tidb_current_ts" = Int(0);
    Both "tidb_allow_mpp" = Bool(true);
    Both "tidb_allow_batch_cop" = Int(1);
    Both "tidb_analyze_version" = Int(2);
    Both "tidb_batch_insert" = Bool(false);
    Both "tidb_broadcast_join_threshold_count" = Int(10_240);
    Both "tidb_broadcast_join_threshold_size" = Int(104_857_600);
    Both "tidb_constraint_check_in_place" = Bool(true);
    Both "tidb_disable_txn_auto_retry" = Bool(true);
    Both "tidb_distsql_scan_concurrency" = Int(15);
    Both "tidb_enable_chunk_rpc" = Bool(true);
    Both "tidb_enable_clustered_index" = Text("ON");
    Both "tidb_enable_index_merge" = Bool(true);
    Both "tidb_enable_noop_functions" = Text("OFF");
    Both "tidb_enable_vectorized_expression" = Bool(true);
    Both "tidb_enable_window_function" = Bool(true);
    Both "tidb_enforce_mpp" = Bool(false);
    Both "tidb_executor_concurrency" = Int(5);
    Both "tidb_hash_join_concurrency" = Int(-1);
    Both "tidb_index_lookup_size" = Int(20_000);
    Both "tidb_isolation_read_engines" = Text("tikv,tiflash,tidb");
    Both "tidb_max_chunk_size" = Int(1024);
    Both "tidb_max_tiflash_threads" = Int(-1);
    Both "tidb_mem_quota_query" = Int(1_073_741_824);
    Both "tidb_mpp_store_fail_ttl" = Text("0s");
    Both "tidb_multi_statement_mode" = Text("ON");
    Both "tidb_opt_agg_push_down" = Bool(false);
    Both "tidb_opt_broadcast_cartesian_join" = Int(1);
    Both "tidb_opt_distinct_agg_push_down" = Bool(false);
    Session "tidb_opt_write_row_id" = Bool(false);
    Both "tidb_partition_prune_mode" = Text("dynamic");
    Both "tidb_read_staleness" = Text("");
    Both "tidb_replica_read" = Text("leader");
    Both "tidb_retry_limit" = Int(10);
    Both "tidb_row_format_version" = Int(2);
    Both "tidb_skip_isolation_level_check" = Bool(false);
    Both "tidb_skip_utf8_check" = Bool(false);
    Session "tidb_snapshot" = Text("");
    Both "tidb_txn_mode" = Text("pessimistic");
    Both "last_plan_from_binding" = Bool(false);
    Both "last_plan_from_cache" = Bool(false);
    Both "tidb_allow_tiflash_cop" = Bool(false);
    Both "tidb_cost_model_version" = Int(2);
    Both "tidb_ddl_enable_fast_reorg" = Bool(true);
    Both "tidb_enable_collect_execution_info" = Bool(true);
    Both "tidb_enable_concurrent_ddl" = Bool(true);
    Both "tidb_enable_exchange_partition" = Bool(true);
    Both "tidb_enable_extended_stats" = Bool(false);
    Both "tidb_enable_external_ts_read" = Bool(false);
    Both "tidb_enable_list_partition" = Bool(true);
    Global "tidb_enable_metadata_lock" = Bool(true);
    Both "tidb_enable_null_aware_anti_join" = Bool(true);
    Both "tidb_enable_outer_join_reorder" = Bool(true);
    Both "tidb_enable_parallel_apply" = Bool(false);
    Both "tidb_enable_plan_replayer_capture" = Bool(true);
    Both "tidb_enable_prepared_plan_cache" = Bool(true);
    Both "tidb_enable_table_partition" = Text("OFF");
    Global "tidb_external_ts" = Int(0);
    Global "tidb_gc_life_time" = Text("10m0s");
    Both "tidb_foreign_key_check_in_shared_lock" = Bool(false);
    Both "tidb_hashagg_final_concurrency" = Int(-1);
    Both "tidb_hashagg_partial_concurrency" = Int(-1);
    Both "tidb_index_join_double_read_penalty_cost_rate" = Float(0.0);
    Both "tidb_mem_quota_apply_cache" = Int(33_554_432);
    Global "tidb_mem_quota_binding_cache" = Int(67_108_864);
    Both "tidb_opt_insubq_to_join_and_agg" = Bool(true);
    Both "tidb_opt_mpp_outer_join_fixed_build_side" = Bool(false);
    Both "tidb_pessimistic_txn_fair_locking" = Bool(true);
    Both "tidb_prepared_plan_cache_size" = Int(100);
    Both "tidb_runtime_filter_mode" = Text("OFF");
    Global "tidb_scatter_region" = Text("");
    Both "tiflash_enable_pipeline_model" = Bool(true);
    Both "activate_all_roles_on_login" = Bool(true);
    Both "deltatree_columnar_by_default" = Bool(true);
    Both "deltatree_read_gate_timeout_ms" = Int(10_000);
}
