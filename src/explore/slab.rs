//! Large arrays of zeros that all threads read while one writes: in large pages, where the system
//! has them. Look-ups go all over such an array, and with small pages nearly each would wait for
//! the translation of its address before it could begin to wait for the memory.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, AtomicU64};

use memmap2::MmapMut;
use self_cell::{MutBorrow, self_cell};
use zerocopy::{FromBytes, IntoBytes, KnownLayout};

/// Bytes of a large page: what is smaller comes from the allocator.
const PAGE: usize = 2 << 20;
/// Bytes of a line of the cache: where an array begins.
const LINE: usize = 64;

macro_rules! slab {
    ($(#[$doc:meta])* $slab:ident, $view:ident, $word:ty) => {
        type $view<'a> = &'a [$word];

        self_cell! {
            $(#[$doc])*
            pub(super) struct $slab {
                owner: MutBorrow<Place<$word>>,
                #[covariant]
                dependent: $view,
            }
        }

        impl $slab {
            /// So many zeros.
            pub(super) fn zeros(count: usize) -> Self {
                let place = MutBorrow::new(Place::new(count));
                Self::new(place, |place| &place.borrow_mut().words()[..count])
            }
        }

        impl Deref for $slab {
            type Target = [$word];

            #[inline]
            fn deref(&self) -> &[$word] {
                self.borrow_dependent()
            }
        }
    };
}

slab! {
    /// Words of 64 bits.
    Longs, LongView, AtomicU64
}
slab! {
    /// Words of 32 bits.
    Shorts, ShortView, AtomicU32
}

/// Where the words are.
enum Place<A> {
    /// With room for a line more, to begin with a whole one.
    Heap(Vec<A>),
    Pages(MmapMut),
}

impl<A: Default + FromBytes + IntoBytes + KnownLayout> Place<A> {
    fn new(count: usize) -> Self {
        let bytes = count * size_of::<A>();
        if bytes >= PAGE
            && let Ok(pages) = MmapMut::map_anon(bytes)
        {
            // Without large pages it is slower and not wrong, so a refusal does not matter.
            #[cfg(target_os = "linux")]
            let _refused = pages.advise(memmap2::Advice::HugePage);
            return Self::Pages(pages);
        }
        let mut words = Vec::new();
        words.resize_with(count + LINE / size_of::<A>(), A::default);
        Self::Heap(words)
    }

    /// At least as many as were asked for.
    fn words(&mut self) -> &mut [A] {
        match self {
            Self::Heap(words) => {
                let first = words.as_ptr().align_offset(LINE);
                words.get_mut(first..).expect("invariant: a line is longer than what is left out")
            }
            Self::Pages(pages) => {
                let words = <[A]>::mut_from_bytes(pages);
                words.expect("invariant: a mapping begins with a page and is as long as asked for")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn any_number_of_zeros_begins_with_a_line() {
        for count in [0, 1, 8, 4_097, PAGE / 8 - 1, PAGE / 8, PAGE / 4 + 3] {
            let (longs, shorts) = (Longs::zeros(count), Shorts::zeros(count));
            assert_eq!((longs.len(), shorts.len()), (count, count));
            assert_eq!(longs.as_ptr().align_offset(LINE), 0);
            assert_eq!(shorts.as_ptr().align_offset(LINE), 0);
            assert!(longs.iter().all(|word| word.load(Ordering::Relaxed) == 0));
            assert!(shorts.iter().all(|word| word.load(Ordering::Relaxed) == 0));
        }
    }

    #[test]
    fn what_is_written_is_read_by_others() {
        for count in [1_000, PAGE] {
            let longs = Longs::zeros(count);
            let all = &longs;
            std::thread::scope(|scope| {
                let write = |(value, word): (usize, &AtomicU64)| {
                    word.store(value as u64, Ordering::Relaxed);
                };
                scope.spawn(move || all.iter().enumerate().for_each(write));
            });
            let is_it =
                |(value, word): (usize, &AtomicU64)| word.load(Ordering::Relaxed) == value as u64;
            assert!(longs.iter().enumerate().all(is_it));
        }
    }
}
