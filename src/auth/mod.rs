//! Who somebody is: guests by nickname, and the tokens they were given.
//! Actors and HTTP ask here; nothing here knows a socket.

mod cached;
pub mod fetch;
mod guests;
pub mod issuers;
mod known;
pub mod random;
mod token;

pub use guests::{Guests, Registered};
pub use token::Token;
