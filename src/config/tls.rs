//! `[tls]`: with which certificate a node speaks TLS itself.
//! No certificate is read here, only where it is.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::bounds::within;

/// Settings of TLS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The file with the certificate and its chain; empty for none.
    pub cert: PathBuf,
    /// The file with its key; empty for none.
    pub key: PathBuf,
    /// Seconds for which a browser is told to come back by TLS alone, 0 to two years.
    #[serde(deserialize_with = "within::<0, 63_072_000, _, _>")]
    pub hsts_s: u64,
}

impl TlsSettings {
    /// The files of certificate and key, where a node is to speak TLS.
    pub fn pair(&self) -> Option<(&Path, &Path)> {
        let both = !self.cert.as_os_str().is_empty() && !self.key.as_os_str().is_empty();
        both.then_some((&self.cert, &self.key))
    }

    /// Whether one file is named and the other is not.
    pub(super) fn is_half(&self) -> bool {
        self.cert.as_os_str().is_empty() != self.key.as_os_str().is_empty()
    }
}
