//! The calls of the JSON API, a file for each noun.
//! Their routes stand in `http/mod.rs`, the shapes of their bodies in `schema`.

pub(super) mod accounts;
pub(super) mod admin;
pub(super) mod availability;
pub(super) mod direct;
pub(super) mod invitations;
pub(super) mod keys;
pub(super) mod members;
pub(super) mod messages;
pub(super) mod mine;
pub(super) mod moderation;
pub(super) mod rooms;
pub(super) mod schema;
mod selection;
pub(super) mod session_schema;
pub(super) mod sessions;
pub(super) mod users;

use crate::{domain::Refusal, http::query::Query};

/// A page of a short list that is there as a whole, and the cursor to the entries behind it.
fn page<T>(list: Vec<T>, query: &Query, most: u32) -> Result<(Vec<T>, Option<String>), Refusal> {
    let limit = query.limit(most)? as usize;
    let skipped = query.cursor()?.map_or(0, |after| usize::try_from(after).unwrap_or(usize::MAX));
    let end = skipped.saturating_add(limit);
    let next = (list.len() > end).then(|| end.to_string());
    Ok((list.into_iter().skip(skipped).take(limit).collect(), next))
}

/// The cursor to the entries behind a page, from the cursors of up to `limit + 1` entries: that of the page's
/// last one, where one more was found.
fn next<C: ToString>(mut cursors: impl ExactSizeIterator<Item = C>, limit: usize) -> Option<String> {
    match cursors.len() > limit {
        true => cursors.nth(limit.checked_sub(1)?).map(|cursor| cursor.to_string()),
        false => None,
    }
}
