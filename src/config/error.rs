//! Why settings were refused, in words that name the setting, its value and what is allowed.
//! Never a warning: a node with a wrong setting does not start.

use std::{io, path::PathBuf};

use thiserror::Error;

/// A reason not to start.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("settings file {} cannot be read", file.display())]
    Unreadable {
        /// The file as it was named.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The settings file is not TOML.
    #[error("settings file {} is not valid TOML: {reason}", file.display())]
    Syntax {
        /// The file as it was named.
        file: PathBuf,
        /// What the parser said, with line and column.
        reason: String,
    },

    /// The file with the value of a property cannot be read.
    #[error("file {} with kafka.property_files.{property} cannot be read", file.display())]
    PropertyFile {
        /// The property of librdkafka.
        property: String,
        /// The file as it was named.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file with the value of a setting cannot be read.
    #[error("file {} with {setting} cannot be read", file.display())]
    SecretFile {
        /// `section.key`.
        setting: String,
        /// The file as it was named.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// A setting is given, and a file with its value beside it.
    #[error("setting {setting} is given twice, by {one} and by {other}")]
    GivenTwice {
        /// `section.key`.
        setting: String,
        /// What gives it.
        one: String,
        /// What names the file.
        other: String,
    },

    /// A name that is no setting.
    #[error("unknown setting {name} in {origin}, {known}")]
    Unknown {
        /// `section.key` as it was written.
        name: String,
        /// The file or the environment variable that has it.
        origin: String,
        /// A sentence with the names that would have been right.
        known: String,
    },

    /// A value of the wrong type or out of its bounds.
    #[error("setting {name} is {value} in {origin}, allowed is {allowed}")]
    Wrong {
        /// `section.key`.
        name: String,
        /// The value as it was written, with a password hidden.
        value: String,
        /// The file or the environment variable that has it.
        origin: String,
        /// What the setting may be.
        allowed: String,
    },
}
