//! The fingerprints of the visited states: some in memory, the others in sorted runs on disk.
//!
//! They are asked for in ascending order only, so that each run is read once from one end to the
//! other, at most; pages in which nothing is looked for are skipped. A run is written once and
//! never changed. Runs of about the same size become one, so that there are few.

use super::error::DiskError;
use super::folder::Folder;
use super::pages::Pages;

/// A run on disk.
struct Run {
    number: u64,
    /// How many fingerprints.
    count: u64,
    /// The first of each page.
    firsts: Vec<u64>,
}

/// The visited states.
pub(super) struct Visited {
    runs: Vec<Run>,
    next: u64,
    /// What is in no run: ascending.
    recent: Vec<u64>,
    /// Those that the level adds: ascending.
    fresh: Vec<u64>,
    /// Where they go if they are too many.
    spilled: Option<RunWriter>,
    /// How many of `recent`, and how many of `fresh`, are kept in memory.
    most: usize,
}

fn name(number: u64) -> String {
    format!("run-{number}")
}

impl Visited {
    pub(super) fn new(most: usize) -> Self {
        Self {
            runs: Vec::new(),
            next: 0,
            recent: Vec::new(),
            fresh: Vec::new(),
            spilled: None,
            most,
        }
    }

    /// What a checkpoint says of the runs: their numbers and sizes.
    pub(super) fn known(&self) -> Vec<(u64, u64)> {
        self.runs.iter().map(|run| (run.number, run.count)).collect()
    }

    /// Takes up runs that a checkpoint knows, and reads them all.
    pub(super) fn take_up(
        &mut self,
        folder: &Folder,
        runs: &[(u64, u64)],
        recent: Vec<u64>,
    ) -> Result<(), DiskError> {
        for (number, count) in runs {
            let file = name(*number);
            let mut pages = Pages::open(folder, &file, 8, std::iter::once(*count))?;
            let (mut firsts, mut numbers) = (Vec::new(), Vec::new());
            for page in 0..count.div_ceil(pages.per_page()) {
                pages.read((0, *count), page, &mut numbers)?;
                firsts.extend(numbers.first());
            }
            self.runs.push(Run { number: *number, count: *count, firsts });
            self.next = self.next.max(number + 1);
        }
        self.recent = recent;
        self.recent.sort_unstable();
        Ok(())
    }

    /// Looks for fingerprints, from the lowest to the highest.
    pub(super) fn look(&self, folder: &Folder) -> Result<Look, DiskError> {
        let open = |run: &Run| {
            let pages = Pages::open(folder, &name(run.number), 8, std::iter::once(run.count))?;
            Ok(RunReader { pages, page: 0, numbers: Vec::new(), at: 0 })
        };
        let readers = self.runs.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Look { readers, at: 0 })
    }

    /// Is it there? Otherwise it is from now on, but only `end_level` lets it be found.
    pub(super) fn enter(
        &mut self,
        folder: &Folder,
        look: &mut Look,
        print: u64,
    ) -> Result<bool, DiskError> {
        while self.recent.get(look.at).is_some_and(|it| *it < print) {
            look.at += 1;
        }
        if self.recent.get(look.at) == Some(&print) {
            return Ok(true);
        }
        for (reader, run) in look.readers.iter_mut().zip(&self.runs) {
            if reader.holds(run, print)? {
                return Ok(true);
            }
        }
        if self.spilled.is_none() && self.fresh.len() == self.most {
            let mut writer = self.writer(folder)?;
            self.fresh.drain(..).try_for_each(|print| writer.push(print))?;
            self.spilled = Some(writer);
        }
        match &mut self.spilled {
            Some(writer) => writer.push(print)?,
            None => self.fresh.push(print),
        }
        Ok(false)
    }

    /// What was entered is there from now on. Answers the files that are needed no more once a
    /// checkpoint is made.
    pub(super) fn end_level(&mut self, folder: &Folder) -> Result<Vec<String>, DiskError> {
        let mut gone = Vec::new();
        if let Some(level) = self.spilled.take() {
            // States in runs have the lowest numbers: what came before goes first.
            self.flush(folder, &mut gone)?;
            self.runs.push(level.end()?);
        } else {
            merge_into(&mut self.recent, &mut self.fresh);
            if self.recent.len() > self.most {
                self.flush(folder, &mut gone)?;
            }
        }
        self.compact(folder, &mut gone)?;
        Ok(gone)
    }

    /// Puts what is in memory into a run.
    fn flush(&mut self, folder: &Folder, gone: &mut Vec<String>) -> Result<(), DiskError> {
        if self.recent.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer(folder)?;
        self.recent.drain(..).try_for_each(|print| writer.push(print))?;
        self.runs.push(writer.end()?);
        self.compact(folder, gone)
    }

    /// Makes one run of the last ones while that before them is at most twice as large.
    fn compact(&mut self, folder: &Folder, gone: &mut Vec<String>) -> Result<(), DiskError> {
        let mut first = self.runs.len();
        let mut size = 0;
        while first > 0 && (size == 0 || self.runs[first - 1].count <= 2 * size) {
            first -= 1;
            size += self.runs[first].count;
        }
        if self.runs.len() - first < 2 {
            return Ok(());
        }
        let mut writer = self.writer(folder)?;
        let merged: Vec<Run> = self.runs.drain(first..).collect();
        let mut heads = Vec::new();
        for run in &merged {
            let mut pages = Pages::open(folder, &name(run.number), 8, std::iter::once(run.count))?;
            let mut numbers = Vec::new();
            pages.read((0, run.count), 0, &mut numbers)?;
            heads.push(RunReader { pages, page: 0, numbers, at: 0 });
        }
        loop {
            let lowest = (0..heads.len()).filter_map(|at| Some((heads[at].head()?, at))).min();
            let Some((print, at)) = lowest else { break };
            writer.push(print)?;
            heads[at].step(&merged[at])?;
        }
        self.runs.push(writer.end()?);
        gone.extend(merged.iter().map(|run| name(run.number)));
        Ok(())
    }

    fn writer(&mut self, folder: &Folder) -> Result<RunWriter, DiskError> {
        let number = self.next;
        self.next += 1;
        let pages = Pages::create(folder, &name(number), 8)?;
        Ok(RunWriter { number, pages, count: 0, firsts: Vec::new() })
    }

    /// The files of the runs.
    pub(super) fn files(&self) -> impl Iterator<Item = String> {
        self.runs.iter().map(|run| name(run.number))
    }

    /// The bytes held, those of the readers too.
    pub(super) fn held(&self) -> usize {
        let firsts: usize = self.runs.iter().map(|run| run.firsts.capacity()).sum();
        (firsts + self.recent.capacity() + self.fresh.capacity()) * 8 + self.runs.len() * 3 * 4096
    }
}

/// Takes numbers out of one ascending list into another.
fn merge_into(all: &mut Vec<u64>, more: &mut Vec<u64>) {
    let (mut left, mut right) = (all.len(), more.len());
    all.resize(left + right, 0);
    while right > 0 {
        let larger = if left > 0 && all[left - 1] > more[right - 1] {
            left -= 1;
            all[left]
        } else {
            right -= 1;
            more[right]
        };
        all[left + right] = larger;
    }
    more.clear();
}

/// How far a look is.
pub(super) struct Look {
    readers: Vec<RunReader>,
    /// In what is in memory.
    at: usize,
}

struct RunReader {
    pages: Pages,
    /// The page that was read, if any was.
    page: u64,
    numbers: Vec<u64>,
    at: usize,
}

impl RunReader {
    /// Is it in the run? Not lower than what was asked for before.
    fn holds(&mut self, run: &Run, print: u64) -> Result<bool, DiskError> {
        let is_past = self.numbers.last().is_none_or(|last| *last < print);
        if is_past {
            let from = usize::try_from(self.page).expect("invariant: pages have their firsts");
            let pages = run.firsts[from..].partition_point(|first| *first <= print);
            let Some(page) = (from + pages).checked_sub(1) else { return Ok(false) };
            if page as u64 != self.page || self.numbers.is_empty() {
                self.page = page as u64;
                self.pages.read((0, run.count), self.page, &mut self.numbers)?;
                self.at = 0;
            }
        }
        while self.numbers.get(self.at).is_some_and(|it| *it < print) {
            self.at += 1;
        }
        Ok(self.numbers.get(self.at) == Some(&print))
    }

    fn head(&self) -> Option<u64> {
        self.numbers.get(self.at).copied()
    }

    /// To the next one.
    fn step(&mut self, run: &Run) -> Result<(), DiskError> {
        self.at += 1;
        if self.at == self.numbers.len() && self.page + 1 < run.firsts.len() as u64 {
            self.page += 1;
            self.pages.read((0, run.count), self.page, &mut self.numbers)?;
            self.at = 0;
        }
        Ok(())
    }
}

struct RunWriter {
    number: u64,
    pages: Pages,
    count: u64,
    firsts: Vec<u64>,
}

impl RunWriter {
    fn push(&mut self, print: u64) -> Result<(), DiskError> {
        if self.count.is_multiple_of(self.pages.per_page()) {
            self.firsts.push(print);
        }
        self.count += 1;
        self.pages.push(print)
    }

    /// It stays there after a power loss.
    fn end(mut self) -> Result<Run, DiskError> {
        self.pages.end_part()?;
        self.pages.sync()?;
        Ok(Run { number: self.number, count: self.count, firsts: self.firsts })
    }
}
