//! The calls of the JSON API, a file for each noun.
//! Their routes stand in `http/mod.rs`, the shapes of their bodies in `schema`.

pub(super) mod accounts;
pub(super) mod availability;
pub(super) mod keys;
pub(super) mod members;
pub(super) mod messages;
pub(super) mod rooms;
pub(super) mod schema;
mod selection;
pub(super) mod session_schema;
pub(super) mod sessions;
pub(super) mod users;

/// The cursor to the entries behind a page, from the cursors of up to `limit + 1` entries: that of the page's
/// last one, where one more was found.
fn next<C: ToString>(mut cursors: impl ExactSizeIterator<Item = C>, limit: usize) -> Option<String> {
    match cursors.len() > limit {
        true => cursors.nth(limit.checked_sub(1)?).map(|cursor| cursor.to_string()),
        false => None,
    }
}
