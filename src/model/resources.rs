//! What a task needs and a worker has.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// An amount of every resource that is accounted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    /// Thousandths of a CPU.
    pub cpu_milli: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

impl Resources {
    /// Nothing at all.
    pub const NONE: Self = Self { cpu_milli: 0, memory_bytes: 0 };

    /// Whole CPUs and no memory: the usual amount in scopes and tests.
    pub const fn cpus(n: u32) -> Self {
        Self { cpu_milli: n * 1000, memory_bytes: 0 }
    }

    /// Whether this much fits into `room`.
    pub fn fits(self, room: Self) -> bool {
        self.cpu_milli <= room.cpu_milli && self.memory_bytes <= room.memory_bytes
    }

    /// The sum, or nothing where a resource overflows.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            cpu_milli: self.cpu_milli.checked_add(other.cpu_milli)?,
            memory_bytes: self.memory_bytes.checked_add(other.memory_bytes)?,
        })
    }

    /// The difference, or nothing where a resource would become negative.
    pub fn minus(self, other: Self) -> Option<Self> {
        Some(Self {
            cpu_milli: self.cpu_milli.checked_sub(other.cpu_milli)?,
            memory_bytes: self.memory_bytes.checked_sub(other.memory_bytes)?,
        })
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}m CPU", self.cpu_milli)?;
        if self.memory_bytes > 0 {
            write!(f, " {} B", self.memory_bytes)?;
        }
        Ok(())
    }
}

/// What a worker says of itself (`zone = a`): fixed for one incarnation, sorted by key. Copies
/// share one list: workers are copied often, and their attributes never change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Attributes(Option<Arc<Vec<(SmolStr, SmolStr)>>>);

impl Attributes {
    /// Attributes from pairs; of equal keys the last one stands.
    pub fn new<K: Into<SmolStr>, V: Into<SmolStr>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let sorted: std::collections::BTreeMap<SmolStr, SmolStr> =
            pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self((!sorted.is_empty()).then(|| Arc::new(sorted.into_iter().collect())))
    }

    /// All pairs, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&SmolStr, &SmolStr)> {
        self.0.iter().flat_map(|pairs| pairs.iter().map(|(key, value)| (key, value)))
    }

    /// The same with one attribute more.
    #[must_use]
    pub fn with(&self, key: &str, value: impl Into<SmolStr>) -> Self {
        let pairs = self.iter().map(|(k, v)| (k.clone(), v.clone()));
        Self::new(pairs.chain([(SmolStr::new(key), value.into())]))
    }

    /// The value of an attribute, if the worker has it.
    pub fn get(&self, key: &str) -> Option<&SmolStr> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }
}
