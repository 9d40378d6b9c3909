//! What processes have left when they died, looked after by every node for as long as it lives.

use std::sync::Weak;
use std::time::Duration;

use super::Node;
use crate::{import, statement};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// Ends imports and schema changes that were given up. Those of a process that holds the whole group (`alone`) were
/// looked after when it began; what is left there are schema changes that could not be undone.
pub(super) async fn watch(node: Weak<Node>, alone: bool) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(node) = node.upgrade() else { return };
        if !alone && let Err(e) = import::end_orphans(&node).await {
            tracing::warn!(error = %e, "cannot look after the imports of other processes");
        }
        if let Err(e) = statement::forget_unfinished(&node).await {
            tracing::warn!(error = %e, "cannot look after schema changes that were given up");
        }
    }
}
