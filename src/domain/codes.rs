//! The table of refusals and close codes: number, name, sentence and what the client should do.
//! Server, documents and web client share it; HTTP statuses are given in `http/error.rs` alone.

/// What a client should do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same request will be refused again.
    No,
    /// The same request may succeed later.
    Later,
    /// The request may succeed on a new connection.
    Reconnect,
}

impl Retry {
    /// The rule's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Later => "later",
            Self::Reconnect => "reconnect",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $number:literal $name:literal $retry:ident $sentence:literal;)*) => {
        /// Why a request was refused. The names and numbers are part of the wire contract and never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $sentence] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable number.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The stable name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence for people.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// What the client should do.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)* }
            }
        }
    };
}

codes! {
    Malformed 100 "malformed" No "The request is not a JSON object.";
    Invalid 101 "invalid" No "A field is missing or wrong.";
    UnknownType 102 "unknown_type" No "The socket knows no request of this type.";
    TooLarge 103 "too_large" No "The request is larger than the server takes.";
    UnsupportedMediaType 104 "unsupported_media_type" No "The request must be JSON.";
    MethodNotAllowed 105 "method_not_allowed" No "The resource does not know this method.";
    Unauthenticated 200 "unauthenticated" No "There is no token, or it is not good.";
    NotAMember 201 "not_a_member" No "Only members of the room may do this.";
    Forbidden 202 "forbidden" No "This is not allowed.";
    OriginNotAllowed 203 "origin_not_allowed" No "Pages of this origin may not use the server.";
    BadCredentials 204 "bad_credentials" No "Login or password is wrong.";
    Muted 205 "muted" No "You may not speak in this room for now.";
    Banned 206 "banned" No "You are banned.";
    LoginFailed 207 "login_failed" No "The login elsewhere cannot be believed.";
    NotFound 300 "not_found" No "There is no such resource.";
    RoomNotFound 301 "room_not_found" No "There is no such room.";
    UserNotFound 302 "user_not_found" No "There is no such user.";
    InvitationNotFound 303 "invitation_not_found" No "This invitation is not good, or not any more.";
    LoginNotFound 304 "login_not_found" No "There is no such session of one's own.";
    NicknameTaken 400 "nickname_taken" No "Somebody else has this nickname.";
    RoomNameTaken 401 "room_name_taken" No "There is a room of this name.";
    AlreadyConnected 402 "already_connected" No "This socket has connected before.";
    PositionLost 403 "position_lost" No "The position cannot be honoured.";
    LoginTaken 404 "login_taken" No "Somebody else has this login.";
    RoomClosed 405 "room_closed" No "The room is closed.";
    RateLimited 500 "rate_limited" Later "Too much at once.";
    StorageUnavailable 501 "storage_unavailable" Later "The database does not answer.";
    LogUnavailable 502 "log_unavailable" Later "The log does not answer.";
    Overloaded 503 "overloaded" Later "The server has too much to do.";
    Internal 504 "internal" Later "The server failed.";
    AuthUnavailable 505 "auth_unavailable" Later "Nobody can log in or stay so at the moment.";
}

macro_rules! close_codes {
    ($($variant:ident $number:literal $name:literal $sentence:literal;)*) => {
        /// Why the server closed a socket: below 4000 as RFC 6455 has it; 4000 to 4499 the client should
        /// reconnect and resume; 4500 to 4999 it should not without a change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode {
            $(#[doc = $sentence] $variant,)*
        }

        impl CloseCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number in the close frame.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The stable name, also the reason in the close frame.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence for people.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

close_codes! {
    Normal 1000 "normal" "The client closed the connection.";
    ProtocolError 1002 "protocol_error" "The frames do not follow RFC 6455.";
    UnsupportedData 1003 "unsupported_data" "Binary messages are not taken.";
    InvalidUtf8 1007 "invalid_utf8" "A text message is not UTF-8.";
    MessageTooBig 1009 "message_too_big" "A message is larger than the server takes.";
    GoAway 3000 "Go away!" "The server ended the session, as SockJS says it.";
    GoingAway 4000 "going_away" "The server stops or asks to start anew.";
    TooSlow 4001 "too_slow" "The client read too slowly.";
    HeartbeatMissed 4002 "heartbeat_missed" "The client was silent for too long.";
    OverRate 4003 "over_rate" "The client sent too much.";
    Unauthenticated 4500 "unauthenticated" "The client did not say who it is.";
    Banned 4501 "banned" "The user is banned.";
    BrokenProtocol 4502 "broken_protocol" "The client does not speak the protocol.";
}

impl CloseCode {
    /// When a client may come back, in milliseconds; clients add a random delay of their own.
    pub const fn retry_after_ms(self) -> u64 {
        match self {
            Self::GoingAway => 500,
            Self::TooSlow | Self::OverRate => 1000,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        let numbers: HashSet<u16> = Code::ALL.iter().map(|code| code.number()).collect();
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!((numbers.len(), names.len()), (Code::ALL.len(), Code::ALL.len()));
        let closes: HashSet<u16> = CloseCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(closes.len(), CloseCode::ALL.len());
    }
}
