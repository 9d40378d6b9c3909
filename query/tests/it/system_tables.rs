//! `information_schema` describes what was created, and tells the truth about replicas.

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use deltatree_query::node::{Node, NodeConfig};
use deltatree_query::session::Session;

async fn rows(session: &mut Session, sql: &str) -> Vec<String> {
    let batches = session.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    batches.iter().flat_map(text).collect()
}

fn text(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
    (0..batch.num_rows())
        .map(|i| columns.iter().map(|c| c.value(i).to_string()).collect::<Vec<_>>().join("|"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(NodeConfig::new(dir.path())).await.unwrap();
    let mut session = node.session("root", "localhost");
    let ddl = "CREATE DATABASE shop; USE shop; CREATE TABLE Item (
        Id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL DEFAULT 'x',
        price DECIMAL(10,2), made DATETIME(3), UNIQUE KEY by_name (name), KEY by_made (made, price))";
    rows(&mut session, ddl).await;
    let columns = rows(
        &mut session,
        "SELECT column_name, ordinal_position, column_default, is_nullable, data_type, column_type, column_key, extra
         FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = 'Item' ORDER BY ordinal_position",
    )
    .await;
    assert_eq!(
        columns,
        [
            "Id|1|NULL|NO|bigint|bigint unsigned|PRI|auto_increment",
            "name|2|x|NO|varchar|varchar(40)|UNI|",
            "price|3|NULL|YES|decimal|decimal(10,2)||",
            "made|4|NULL|YES|datetime|datetime(3)|MUL|",
        ]
    );
    let keys = "SELECT index_name, non_unique, seq_in_index, column_name FROM information_schema.statistics
         WHERE table_schema = 'shop' ORDER BY index_name, seq_in_index";
    assert_eq!(
        rows(&mut session, keys).await,
        ["PRIMARY|0|1|Id", "by_made|1|1|made", "by_made|1|2|price", "by_name|0|1|name"]
    );
    let usage = "SELECT constraint_name, column_name FROM information_schema.key_column_usage
         WHERE table_schema = 'shop' ORDER BY constraint_name";
    assert_eq!(rows(&mut session, usage).await, ["PRIMARY|Id", "by_name|name"]);
    let names = session.query("SELECT * FROM information_schema.schemata LIMIT 1").await.unwrap();
    assert_eq!(names[0].schema().field(1).name(), "SCHEMA_NAME");
    for empty in ["views", "routines", "triggers", "events", "partitions", "referential_constraints"] {
        let counted = rows(&mut session, &format!("SELECT COUNT(*) FROM information_schema.{empty}")).await;
        assert_eq!(counted, ["0"], "{empty}");
    }
    drop(session);
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(NodeConfig::new(dir.path())).await.unwrap();
    let mut session = node.session("root", "localhost");
    rows(&mut session, "CREATE DATABASE shop; USE shop; CREATE TABLE t (id BIGINT PRIMARY KEY, v INT)").await;
    rows(&mut session, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)").await;
    rows(&mut session, "DELETE FROM t WHERE id = 2").await;
    rows(&mut session, "ANALYZE TABLE t").await;
    let replica =
        "SELECT table_name, available, progress FROM information_schema.tiflash_replica WHERE table_schema = 'shop'";
    let replica = rows(&mut session, replica).await;
    assert!(replica.len() == 1 && replica[0].starts_with("t|1|"), "{replica:?}");
    let table = "SELECT tidb_table, total_rows, total_delta_rows + total_stable_rows >= 3
         FROM information_schema.tiflash_tables WHERE tidb_database = 'shop'";
    let table = rows(&mut session, table).await;
    assert!(table.len() == 1 && table[0].starts_with("t|2|"), "{table:?}");
    let segments = "SELECT SUM(`rows`) FROM information_schema.tiflash_segments WHERE tidb_database = 'shop'";
    assert_eq!(rows(&mut session, segments).await, ["2"]);
    drop(session);
    node.shutdown().await.unwrap();
}
