//! How things are written down to be sent: little-endian, one after the other.

pub(super) fn put_u32(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend(value.to_le_bytes());
}

pub(super) fn put_u64(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend(value.to_le_bytes());
}

/// Reads what was written, in the same order. All that is read was written by this program: less
/// than expected is a mistake of ours.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    #[inline]
    pub(super) fn u32(&mut self) -> u32 {
        let bytes = self.take(4).try_into();
        u32::from_le_bytes(bytes.expect("invariant: four bytes were taken"))
    }

    #[inline]
    pub(super) fn u64(&mut self) -> u64 {
        let bytes = self.take(8).try_into();
        u64::from_le_bytes(bytes.expect("invariant: eight bytes were taken"))
    }
}
