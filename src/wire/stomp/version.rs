//! The versions of STOMP, and how the two ends agree on one.
//! What a version changes is said where it is changed: escapes, required headers, acks.

use std::fmt;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.0, which knows neither escapes nor heart-beats nor NACK.
    V1_0,
    /// 1.1.
    V1_1,
    /// 1.2.
    V1_2,
}

impl Version {
    /// Every version, the oldest first.
    pub const ALL: [Self; 3] = [Self::V1_0, Self::V1_1, Self::V1_2];

    /// All versions as the header `version` of an ERROR lists them.
    pub const LIST: &str = "1.0,1.1,1.2";

    /// Its name in `accept-version` and `version`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// Its name as a sub-protocol of a WebSocket.
    pub const fn sub_protocol(self) -> &'static str {
        match self {
            Self::V1_0 => "v10.stomp",
            Self::V1_1 => "v11.stomp",
            Self::V1_2 => "v12.stomp",
        }
    }

    /// The highest version among those that `accept-version` lists. A client that sends no such header knows
    /// 1.0 alone; nothing comes back where there is none in common.
    pub fn negotiate(accept_version: Option<&str>) -> Option<Self> {
        let Some(list) = accept_version else { return Some(Self::V1_0) };
        let known = |name: &str| Self::ALL.into_iter().find(|version| version.name() == name.trim());
        list.split(',').filter_map(known).max()
    }

    /// The sub-protocol to answer a WebSocket handshake with: that of the highest version among the offered ones.
    /// It binds nothing: which version is spoken is agreed on by CONNECT.
    pub fn choose_sub_protocol<'a>(offered: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
        let known = |name: &str| Self::ALL.into_iter().find(|version| version.sub_protocol() == name.trim());
        offered.into_iter().filter_map(known).max().map(Self::sub_protocol)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_spoken() {
        for (asked, spoken) in [
            (None, Some(Version::V1_0)),
            (Some("1.0"), Some(Version::V1_0)),
            (Some("1.2,1.1,1.0"), Some(Version::V1_2)),
            (Some("1.0, 1.1"), Some(Version::V1_1)),
            (Some("1.0,1.1,2.0"), Some(Version::V1_1)),
            (Some("2.0"), None),
            (Some(""), None),
            (Some("1.20,11.1,1"), None),
        ] {
            assert_eq!(Version::negotiate(asked), spoken, "{asked:?}");
        }
    }

    #[test]
    fn the_list_of_versions_has_them_all() {
        assert_eq!(Version::LIST, Version::ALL.map(Version::name).join(","));
    }

    #[test]
    fn the_highest_offered_sub_protocol_is_taken() {
        let chosen = |offered: &str| Version::choose_sub_protocol(offered.split(','));
        assert_eq!(chosen("v10.stomp, v11.stomp, v12.stomp"), Some("v12.stomp"));
        assert_eq!(chosen("v11.stomp, v10.stomp, mqtt"), Some("v11.stomp"));
        assert_eq!(chosen("mqtt"), None);
    }
}
