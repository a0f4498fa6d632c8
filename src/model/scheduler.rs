//! Pure placement: which of the waiting tasks go where. Nothing is decided by chance or by a
//! table's order: what is still equal is told apart by a [`Chooser`] that comes in from outside.

use std::collections::BTreeMap;

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::id::{TaskId, WorkerId};
use super::resources::{Attributes, Resources};

/// Tells equals apart. The model tries every choice, the running cluster takes the lowest id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chooser {
    digits: u64,
    /// Alternatives of each choice that was made, as digits; nothing where nobody asks for them.
    asked: Option<u64>,
    made: u32,
    spoiled: bool,
}

impl Chooser {
    /// Always the lowest id.
    pub const LOWEST: Self = Self { digits: 0, asked: None, made: 0, spoiled: false };

    /// The n-th choice takes the alternative that the n-th hexadecimal digit names, from the right.
    pub const fn scripted(digits: u64) -> Self {
        Self { digits, asked: Some(0), made: 0, spoiled: false }
    }

    /// The digits that are left of a script.
    pub const fn script(self) -> u64 {
        self.digits
    }

    /// Chooses one of `n` alternatives, of which there is at least one.
    fn pick(&mut self, n: usize) -> usize {
        let digit = usize::try_from(self.digits & 15).expect("invariant: four bits fit a usize");
        self.digits >>= 4;
        self.spoiled |= digit >= n || n > 15 || self.made > 15;
        self.asked = self.asked.map(|asked| asked | (n as u64 & 15) << (4 * self.made.min(15)));
        self.made += 1;
        if digit < n { digit } else { 0 }
    }

    /// The script after this one, of a run that was taken with it: scripts count up like numbers
    /// whose digits have the bases that the run asked for. Nothing after the last.
    pub fn next_script(self, script: u64) -> Option<u64> {
        let asked = self.asked?;
        for at in (0..self.made.min(16)).rev() {
            let digit = script >> (4 * at) & 15;
            if digit + 1 < asked >> (4 * at) & 15 {
                let before = script & ((1 << (4 * at)) - 1);
                return Some(before | (digit + 1) << (4 * at));
            }
        }
        None
    }

    /// Whether every choice was one that there was: a script with a digit too large or with digits
    /// left over names no run of its own.
    pub fn was_exact(self) -> bool {
        !self.spoiled && self.digits == 0
    }
}

/// A worker on which something may be placed.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Who.
    pub worker: WorkerId,
    /// What is free there.
    pub room: Resources,
    /// What it says of itself.
    pub attributes: &'a Attributes,
}

/// A task that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Which.
    pub task: TaskId,
    /// Where its last attempt failed: taken only when nothing else has room.
    pub avoid: Option<WorkerId>,
}

/// What is placed as one.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// What each task of it needs.
    pub need: Resources,
    /// The attribute that the workers of a gang share; nothing for a single task.
    pub group_by: Option<&'a SmolStr>,
    /// The tasks: one, or the whole gang.
    pub wishes: SmallVec<[Wish; 2]>,
}

/// A decision.
pub type Placement = (TaskId, WorkerId);

/// Items that did not fit, so that equal ones behind them need not be tried.
#[derive(Default)]
struct Misfits<'a>(SmallVec<[(Resources, Option<&'a SmolStr>, usize); 4]>);

impl<'a> Misfits<'a> {
    fn knows(&self, item: &Item<'a>) -> bool {
        self.0.iter().any(|(need, group_by, size)| {
            *need == item.need && *group_by == item.group_by && *size == item.wishes.len()
        })
    }

    fn note(&mut self, item: &Item<'a>) {
        self.0.push((item.need, item.group_by, item.wishes.len()));
    }
}

/// Places items in their order, skipping what does not fit, and takes what it uses from the offers
/// (sorted by worker). Answers the decisions; `left` hears of every item that found no place.
///
/// The cost is that of the items plus the offers, not their product, as long as there are few
/// different needs and the lowest id is chosen.
pub fn place<'a>(
    items: impl Iterator<Item = Item<'a>>,
    offers: &mut [Offer<'_>],
    chooser: &mut Chooser,
    mut left: impl FnMut(Item<'a>),
) -> SmallVec<[Placement; 2]> {
    let mut placed = SmallVec::new();
    let mut misfits = Misfits::default();
    let mut cursor = Cursor { need: Resources::NONE, from: 0 };
    for item in items {
        if misfits.knows(&item) {
            left(item);
            continue;
        }
        let found = match item.group_by {
            None => single(&item, offers, chooser, &mut cursor, &mut placed),
            Some(key) => gang(&item, key, offers, chooser, &mut placed),
        };
        if !found {
            misfits.note(&item);
            left(item);
        }
    }
    placed
}

/// Where the first worker with room for a need can be: rooms only shrink while placing.
struct Cursor {
    need: Resources,
    from: usize,
}

fn single(
    item: &Item<'_>,
    offers: &mut [Offer<'_>],
    chooser: &mut Chooser,
    cursor: &mut Cursor,
    placed: &mut SmallVec<[Placement; 2]>,
) -> bool {
    let Some(wish) = item.wishes.first() else { return true };
    if cursor.need != item.need {
        *cursor = Cursor { need: item.need, from: 0 };
    }
    while offers.get(cursor.from).is_some_and(|offer| !item.need.fits(offer.room)) {
        cursor.from += 1;
    }
    let candidates: &mut dyn Iterator<Item = usize> = &mut (cursor.from..offers.len());
    let Some(at) = choose(candidates, offers, item.need, wish.avoid, chooser) else { return false };
    take(&mut offers[at], item.need, wish.task, placed);
    true
}

fn gang(
    item: &Item<'_>,
    key: &SmolStr,
    offers: &mut [Offer<'_>],
    chooser: &mut Chooser,
    placed: &mut SmallVec<[Placement; 2]>,
) -> bool {
    let mut groups: BTreeMap<&SmolStr, SmallVec<[usize; 4]>> = BTreeMap::new();
    for (at, offer) in offers.iter().enumerate() {
        if let Some(value) = offer.attributes.get(key)
            && item.need.fits(offer.room)
        {
            groups.entry(value).or_default().push(at);
        }
    }
    // Groups in the order of their names; any choice of distinct workers serves equal members.
    let Some(mut free) = groups.into_values().find(|free| free.len() >= item.wishes.len()) else {
        return false;
    };
    for wish in &item.wishes {
        let at = choose(&mut free.iter().copied(), offers, item.need, wish.avoid, chooser)
            .expect("invariant: the group has as many workers with room as the gang has members");
        free.retain(|other| *other != at);
        take(&mut offers[at], item.need, wish.task, placed);
    }
    true
}

/// One of the candidates with room: those not avoided first.
fn choose(
    candidates: &mut dyn Iterator<Item = usize>,
    offers: &[Offer<'_>],
    need: Resources,
    avoid: Option<WorkerId>,
    chooser: &mut Chooser,
) -> Option<usize> {
    let mut with_room = candidates.filter(|at| need.fits(offers[*at].room));
    if chooser.asked.is_none() {
        // The running cluster's way: no need to look at every candidate.
        let first = with_room.next()?;
        return if Some(offers[first].worker) == avoid {
            with_room.next().or(Some(first))
        } else {
            Some(first)
        };
    }
    let all: SmallVec<[usize; 8]> = with_room.collect();
    let fresh: SmallVec<[usize; 8]> =
        all.iter().copied().filter(|at| Some(offers[*at].worker) != avoid).collect();
    let best = if fresh.is_empty() { all } else { fresh };
    if best.is_empty() { None } else { Some(best[chooser.pick(best.len())]) }
}

fn take(
    offer: &mut Offer<'_>,
    need: Resources,
    task: TaskId,
    placed: &mut SmallVec<[Placement; 2]>,
) {
    offer.room = offer.room.minus(need).expect("invariant: only workers with room are chosen");
    placed.push((task, offer.worker));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::JobId;

    fn task(index: u16) -> TaskId {
        JobId(1).task(index)
    }

    fn item(index: u16, cpus: u32, avoid: Option<u32>) -> Item<'static> {
        let wish = Wish { task: task(index), avoid: avoid.map(WorkerId) };
        let wishes = SmallVec::from_slice(&[wish]);
        Item { need: Resources::cpus(cpus), group_by: None, wishes }
    }

    fn run(
        items: Vec<Item<'_>>,
        rooms: &[(u32, &str)],
        chooser: &mut Chooser,
    ) -> (Vec<Placement>, usize) {
        let attributes: Vec<Attributes> =
            rooms.iter().map(|(_, zone)| Attributes::new([("zone", *zone)])).collect();
        let mut offers: Vec<Offer<'_>> = (1..)
            .zip(rooms.iter().zip(&attributes))
            .map(|(n, ((cpus, _), attributes))| Offer {
                worker: WorkerId(n),
                room: Resources::cpus(*cpus),
                attributes,
            })
            .collect();
        let key = SmolStr::new("zone");
        let items =
            items.into_iter().map(|i| Item { group_by: (i.wishes.len() > 1).then_some(&key), ..i });
        let mut left = 0;
        let placed = place(items, &mut offers, chooser, |_| left += 1);
        (placed.to_vec(), left)
    }

    #[test]
    fn in_order_and_what_does_not_fit_is_skipped() {
        let items = vec![item(0, 3, None), item(1, 9, None), item(2, 1, None), item(3, 1, None)];
        let placed = run(items, &[(4, "a"), (0, "a")], &mut Chooser::scripted(0));
        assert_eq!(placed, (vec![(task(0), WorkerId(1)), (task(2), WorkerId(1))], 2));
    }

    #[test]
    fn where_it_failed_last_comes_last() {
        let rooms = [(1, "a"), (1, "a")];
        let placed = run(vec![item(0, 1, Some(1))], &rooms, &mut Chooser::scripted(0));
        assert_eq!(placed, (vec![(task(0), WorkerId(2))], 0));
        let placed = run(vec![item(0, 1, Some(1))], &rooms[..1], &mut Chooser::scripted(0));
        assert_eq!(placed, (vec![(task(0), WorkerId(1))], 0));
    }

    #[test]
    fn equals_are_told_apart_by_the_choice() {
        let rooms = [(1, "a"), (1, "a"), (1, "a")];
        let mut chooser = Chooser::scripted(0x12);
        let placed = run(vec![item(0, 1, None), item(1, 1, None)], &rooms, &mut chooser);
        assert_eq!(placed.0, vec![(task(0), WorkerId(3)), (task(1), WorkerId(2))]);
        assert!(chooser.was_exact());
        let mut too_large = Chooser::scripted(3);
        run(vec![item(0, 1, None)], &rooms, &mut too_large);
        assert!(!too_large.was_exact());
        let mut left_over = Chooser::scripted(0x10);
        run(vec![item(0, 1, None)], &rooms, &mut left_over);
        assert!(!left_over.was_exact());
    }

    #[test]
    fn a_gang_takes_distinct_workers_of_the_first_group_that_has_enough() {
        let wishes = [0, 1].map(|i| Wish { task: task(i), avoid: None });
        let need = Resources::cpus(1);
        let gang = Item { need, group_by: None, wishes: SmallVec::from_slice(&wishes) };
        let rooms = [(9, "a"), (1, "b"), (0, "a"), (1, "b")];
        let placed = run(vec![gang.clone()], &rooms, &mut Chooser::scripted(0));
        assert_eq!(placed.0, vec![(task(0), WorkerId(2)), (task(1), WorkerId(4))]);
        assert_eq!(run(vec![gang], &rooms[..3], &mut Chooser::scripted(0)), (vec![], 1));
    }
}
