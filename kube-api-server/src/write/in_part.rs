//! Patches that leave alone what a Node keeps apart: they do not read it either, which makes them several times faster.

use super::changing::{goes, on_the_newest, settle};
use super::patching::patched;
use super::{Patch, Write, Written};
use crate::patch::json_patch;
use crate::status::ApiError;
use crate::store::record::{Draft, Part};
use crate::store::{Decision, Store};

/// Whether a patch neither reads nor writes what is kept apart.
pub(super) fn leaves_apart(patch: &Patch) -> bool {
    Part::ALL.into_iter().all(|part| {
        let [section, field] = part.path();
        match patch {
            Patch::Json(operations) => !json_patch::touches(operations, &[section, field]),
            Patch::Merge(patch) => match patch.get(section) {
                None => true,
                Some(section) => section.as_object().is_some_and(|fields| !fields.contains_key(field)),
            },
            // Their directives reach further than the fields they name.
            Patch::Strategic(_) | Patch::Apply { .. } => false,
        }
    })
}

/// Patches an object without what it keeps apart.
pub(super) fn patch(
    store: &Store,
    write: &Write,
    patch: &Patch,
    warnings: &mut Vec<String>,
) -> Result<Written, ApiError> {
    on_the_newest(store, write, |record| {
        let (current, [owners, images]) = (record.rest(), record.apart());
        let (object, _) = patched(store, write, patch, &current, warnings)?;
        let kept = owners.clone();
        let owners = write.writer(store).update_apart(&current, &object, owners);
        let new = settle(store, write, record.version, &current, object)?;
        if new == current && owners == kept {
            return Ok(Decision::Leave);
        }
        let goes = goes(&current, &new);
        let draft = Draft { rest: new, apart: [owners, images] };
        Ok(if goes { Decision::Remove(draft) } else { Decision::Put(draft) })
    })
}
