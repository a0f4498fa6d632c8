//! States as bytes: what a model offers so that they can leave the process and come back.

use stateright::Model;

/// A model whose states can be written down, and read again by another process with the same
/// model.
pub trait Portable: Model {
    /// Appends a state. What equality leaves out (notes about the step that led there) may be lost.
    fn pack(&self, state: &Self::State, bytes: &mut Vec<u8>);

    /// The state that these bytes, all of them, stand for; nothing if they are not of `pack`.
    fn unpack(&self, bytes: &[u8]) -> Option<Self::State>;
}
