//! Where workers come from: a provider makes slices and ends them.

use serde::{Deserialize, Serialize};

use crate::model::id::{GroupId, SliceId, VmId};

/// Makes slices. Both orders may come again for the same slice, when the controller restarts: the
/// first one counts, and its answer is given again if it was given before.
pub trait Provider: Send {
    /// Make a slice with these machines. The answer is [`News::Granted`] or [`News::Refused`], and
    /// then [`News::Booted`] for each machine that starts.
    fn create(&mut self, slice: SliceId, group: GroupId, vms: &[VmId]);

    /// End a slice, also one that was never heard of. The answer is [`News::Terminated`].
    fn terminate(&mut self, slice: SliceId);
}

/// What a provider tells the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// A slice is granted.
    Granted(SliceId),
    /// A slice is refused, for want of quota or not.
    Refused(SliceId, bool),
    /// A machine has started.
    Booted(VmId),
    /// A slice was taken away: nothing of it runs.
    Preempted(SliceId),
    /// A slice is gone, as asked: nothing of it runs.
    Terminated(SliceId),
}

/// No provider at all: for clusters whose workers are all started by hand.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProvider;

impl Provider for NoProvider {
    fn create(&mut self, _: SliceId, _: GroupId, _: &[VmId]) {}

    fn terminate(&mut self, _: SliceId) {}
}
