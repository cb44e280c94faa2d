//! A destination with or without a place for a room: `/topic/chat/{room}`.
//! Matched exactly and in one pass; there are no wildcards.

/// The place for a room.
const ROOM: &str = "{room}";

/// A destination as a client may write it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    before: Box<str>,
    /// What follows the room; none where the destination names no room.
    after: Option<Box<str>>,
}

impl Template {
    /// Reads a template; whatever is not `{room}` stands for itself.
    pub fn new(text: &str) -> Self {
        match text.split_once(ROOM) {
            Some((before, after)) => Self { before: before.into(), after: Some(after.into()) },
            None => Self { before: text.into(), after: None },
        }
    }

    /// What a destination that fits has in the place of the room, or an empty text where there is no such place.
    pub fn fits<'a>(&self, destination: &'a str) -> Option<&'a str> {
        let rest = destination.strip_prefix(&*self.before)?;
        match &self.after {
            Some(after) => rest.strip_suffix(&**after).filter(|room| !room.is_empty() && !room.contains('/')),
            None => rest.is_empty().then_some(rest),
        }
    }

    /// Whether it has a place for a room.
    pub fn names_a_room(&self) -> bool {
        self.after.is_some()
    }

    /// The destination of a room.
    pub fn with_room(&self, room: &str) -> String {
        match &self.after {
            Some(after) => [&*self.before, room, after].concat(),
            None => self.before.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_fits_exactly_or_not_at_all() {
        let topic = Template::new("/topic/{room}/all");
        assert_eq!(topic.fits("/topic/r1/all"), Some("r1"));
        for other in
            ["/topic//all", "/topic/r1", "/topic/r1/all/", "/topic/a/b/all", "topic/r1/all", "", "/topic/all"]
        {
            assert_eq!(topic.fits(other), None, "{other}");
        }
        assert_eq!(topic.with_room("r1"), "/topic/r1/all");
    }

    #[test]
    fn a_template_without_a_room_stands_for_itself() {
        let send = Template::new("/app/send");
        assert_eq!(send.fits("/app/send"), Some(""));
        assert_eq!(send.fits("/app/send/"), None);
        assert!(!send.names_a_room());
    }
}
