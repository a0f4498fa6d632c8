//! What the tasks wrote down.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use iris_check::model::id::{AttemptId, TaskId};

/// Who wrote what.
pub struct Diary {
    started: BTreeSet<AttemptId>,
    ended: BTreeSet<AttemptId>,
    failed: BTreeSet<AttemptId>,
}

impl Diary {
    /// Reads it, and judges its order: of each task one attempt at a time, each at most once.
    pub fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("diary")).unwrap_or_default();
        let mut diary =
            Self { started: BTreeSet::new(), ended: BTreeSet::new(), failed: BTreeSet::new() };
        let mut last: BTreeMap<TaskId, AttemptId> = BTreeMap::new();
        for line in text.lines() {
            let mut words = line.split(' ');
            let (what, who) = (words.next(), words.next().and_then(|it| it.parse().ok()));
            let (Some(what), Some(who)) = (what, who) else { panic!("{line:?} in the diary") };
            let who: AttemptId = who;
            if what == "start" {
                let before = last.insert(who.task, who);
                assert!(before < Some(who), "{line}: {before:?} had started before");
                diary.started.insert(who);
                continue;
            }
            let now = last.get(&who.task);
            assert_eq!(now, Some(&who), "{line}: another attempt of its task runs");
            let ends = match what {
                "end" => &mut diary.ended,
                "fail" => &mut diary.failed,
                _ => panic!("{line}: its task runs already"),
            };
            assert!(ends.insert(who), "{line}: it had ended before");
        }
        diary
    }

    pub fn has_ended(&self, attempt: AttemptId) -> bool {
        self.ended.contains(&attempt)
    }

    pub fn has_failed(&self, attempt: AttemptId) -> bool {
        self.failed.contains(&attempt)
    }

    /// All that started.
    pub fn started(&self) -> impl Iterator<Item = AttemptId> {
        self.started.iter().copied()
    }

    /// How many were ended in the middle.
    pub fn lost(&self) -> usize {
        self.started().filter(|it| !self.has_ended(*it) && !self.has_failed(*it)).count()
    }
}
