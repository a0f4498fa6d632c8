//! A provider beyond a pipe: orders go out over standard output, news come in over standard input,
//! one JSON object a line. It ends the controller when the input ends.
//!
//! ```text
//! out  {"serves":"127.0.0.1:41007"}                                 once, first of all
//! out  {"create":{"slice":"g1/s1","group":"g1","vms":["v1"]}}
//! out  {"terminate":"g1/s1"}
//! out  {"have":["g1/s1"]}               after a restart: slices that were granted and are not
//!                                       to go; who does not know one answers {"preempted":…}
//! in   {"granted":"g1/s1"}   {"refused":["g1/s1",false]}   true for want of quota
//! in   {"booted":"v1"}   {"preempted":"g1/s1"}   {"terminated":"g1/s1"}
//! ```
//!
//! Orders may come again, and so may their answers, as [`Provider`] says.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::model::id::{GroupId, SliceId, VmId};
use crate::model::vm::VmState;
use crate::real::controller::{Ask, ToController};
use crate::real::provider::{News, Provider};

use super::Problem;

/// What a controller says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// It listens there.
    Serves(String),
    /// It believes in these.
    Have(Vec<SliceId>),
    /// Make a slice.
    Create { slice: SliceId, group: GroupId, vms: Vec<VmId> },
    /// End a slice.
    Terminate(SliceId),
}

/// The provider.
pub(super) struct Stdio {
    orders: UnboundedSender<Order>,
}

impl Stdio {
    /// A provider; its orders go out as soon as there are any.
    pub(super) fn new() -> Self {
        let (orders, mut queue): (_, UnboundedReceiver<Order>) = unbounded_channel();
        // A reader that does not read must not stop the controller.
        std::thread::spawn(move || {
            while let Some(order) = queue.blocking_recv() {
                let line = serde_json::to_string(&order)
                    .expect("invariant: an order has only text for keys");
                let mut out = io::stdout().lock();
                if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                    return;
                }
            }
        });
        Self { orders }
    }

    /// What it says by itself.
    pub(super) fn orders(&self) -> UnboundedSender<Order> {
        self.orders.clone()
    }
}

impl Provider for Stdio {
    fn create(&mut self, slice: SliceId, group: GroupId, vms: &[VmId]) {
        // The writer is gone when the other end is, and then so is this controller.
        let _ = self.orders.send(Order::Create { slice, group, vms: vms.to_vec() });
    }

    fn terminate(&mut self, slice: SliceId) {
        let _ = self.orders.send(Order::Terminate(slice));
    }
}

/// Says which slices the controller believes in, once it has taken up what it found.
pub(super) async fn tell_what_there_is(controller: &ToController, orders: UnboundedSender<Order>) {
    let look = Ask::Look(Box::new(move |machine| {
        let granted = machine.slices().filter(|(_, slice)| {
            !slice.closed && slice.vms.iter().any(|(_, vm)| *vm != VmState::Requesting)
        });
        let _ = orders.send(Order::Have(granted.map(|(id, _)| id).collect()));
    }));
    let _ = controller.0.send(look).await;
}

/// Hands on what the provider says, until its end.
pub(super) async fn listen(controller: ToController) -> Result<(), Problem> {
    let mut lines = super::input()?;
    while let Ok(Some(line)) = lines.next_line().await {
        let news: News = serde_json::from_str(&line).map_err(|error| {
            Problem::new(format!("the provider said {line:?}, which is no news: {error}"))
        })?;
        controller.provided(news).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_news_are_lines_as_the_manual_shows_them() {
        let slice = SliceId { group: GroupId(1), number: 1 };
        let orders = [
            (Order::Serves("127.0.0.1:1".to_owned()), r#"{"serves":"127.0.0.1:1"}"#),
            (Order::Have(vec![slice]), r#"{"have":["g1/s1"]}"#),
            (
                Order::Create { slice, group: GroupId(1), vms: vec![VmId(1)] },
                r#"{"create":{"slice":"g1/s1","group":"g1","vms":["v1"]}}"#,
            ),
            (Order::Terminate(slice), r#"{"terminate":"g1/s1"}"#),
        ];
        for (order, text) in orders {
            assert_eq!(serde_json::to_string(&order).expect("it can be written"), text);
            assert_eq!(serde_json::from_str::<Order>(text).expect(text), order);
        }
        let news = [
            (News::Granted(slice), r#"{"granted":"g1/s1"}"#),
            (News::Refused(slice, false), r#"{"refused":["g1/s1",false]}"#),
            (News::Booted(VmId(1)), r#"{"booted":"v1"}"#),
            (News::Preempted(slice), r#"{"preempted":"g1/s1"}"#),
            (News::Terminated(slice), r#"{"terminated":"g1/s1"}"#),
        ];
        for (news, text) in news {
            assert_eq!(serde_json::to_string(&news).expect("it can be written"), text);
            assert_eq!(serde_json::from_str::<News>(text).expect(text), news);
        }
    }
}
