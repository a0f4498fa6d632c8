//! The same asked in two ways.

use super::super::seen::{Seen, told};
use super::Running;

impl Running {
    /// What is wrong if a client that asks call by call is told something else than one that asks
    /// for everything at once. Nothing where time passes in between.
    pub(super) fn asked_twice(&self) -> Option<String> {
        if !self.cluster.clock().is_virtual() || self.watch.restless().is_some() {
            return None;
        }
        let client = self.cluster.client();
        let now = || self.cluster.clock().now().since(self.began);
        let (at, whole, parts, later) = self.stage.wait(async {
            let at = now();
            let whole = told::look(client, at).await;
            (at, whole, told::look_by_calls(client, at).await, now())
        });
        if at != later || whole == parts {
            return None;
        }
        let text = |seen: &Option<Seen>| {
            serde_json::to_string(seen).expect("invariant: what is seen is plain values")
        };
        let (whole, parts) = (text(&whole), text(&parts));
        Some(format!("a list and statuses tell {parts}, and a snapshot tells {whole}"))
    }
}
