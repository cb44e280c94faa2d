//! The tables as Diesel knows them, the same for SQLite and PostgreSQL.
//! How each database lays them out is written in its migrations.

diesel::table! {
    users (id) {
        id -> Text,
        nickname -> Text,
        nickname_key -> Text,
        secret_hash -> Nullable<Binary>,
        created_at -> BigInt,
        role -> Text,
        seen_at -> BigInt,
        banned_at -> Nullable<BigInt>,
        banned_until -> Nullable<BigInt>,
        ban_reason -> Nullable<Text>,
    }
}

diesel::table! {
    tokens (hash) {
        hash -> Binary,
        user_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    rooms (id) {
        number -> BigInt,
        id -> Text,
        name -> Text,
        name_key -> Text,
        epoch -> Text,
        created_at -> BigInt,
        creator_id -> Text,
        creator_nickname -> Text,
        members -> BigInt,
        head -> BigInt,
        partition -> Nullable<Integer>,
        visibility -> Text,
        peer_id -> Nullable<Text>,
        peer_nickname -> Nullable<Text>,
        closed -> Bool,
    }
}

diesel::table! {
    records (room_id, seq) {
        room_id -> Text,
        seq -> BigInt,
        at -> BigInt,
        kind -> Text,
        sender_id -> Text,
        sender_nickname -> Text,
        body -> Nullable<Text>,
        client_id -> Nullable<Text>,
        log_offset -> Nullable<BigInt>,
        headers -> Nullable<Text>,
        act -> Nullable<Text>,
    }
}

diesel::table! {
    snapshots (room_id) {
        room_id -> Text,
        seq -> BigInt,
        state -> Text,
    }
}

diesel::table! {
    partitions (number) {
        number -> Integer,
        next_offset -> BigInt,
    }
}

diesel::table! {
    accounts (user_id) {
        user_id -> Text,
        login -> Text,
        login_key -> Text,
        email -> Nullable<Text>,
        password_hash -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    memberships (user_id, room_id) {
        user_id -> Text,
        room_id -> Text,
        standing -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    login_attempts (login_hash) {
        login_hash -> Binary,
        attempts -> BigInt,
        tried_at -> BigInt,
    }
}

diesel::table! {
    logins (id) {
        id -> Text,
        user_id -> Text,
        device -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
        generation -> BigInt,
        token_hash -> Binary,
    }
}

diesel::table! {
    auth_keys (id) {
        id -> Text,
        purpose -> Text,
        secret -> Binary,
        used_from -> BigInt,
        good_until -> BigInt,
    }
}

diesel::table! {
    auth_events (number) {
        number -> BigInt,
        at -> BigInt,
        kind -> Text,
        user_id -> Text,
        login_id -> Nullable<Text>,
        data -> Nullable<Text>,
    }
}

diesel::table! {
    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    provider_attempts (state_hash) {
        state_hash -> Binary,
        browser_hash -> Binary,
        provider -> Text,
        nonce -> Text,
        verifier -> Text,
        redirect_uri -> Text,
        return_to -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    provider_registrations (secret_hash) {
        secret_hash -> Binary,
        issuer -> Text,
        subject -> Text,
        nickname -> Nullable<Text>,
        expires_at -> BigInt,
    }
}

diesel::table! {
    invitation_links (id) {
        id -> Text,
        hash -> Binary,
        room_id -> Text,
        maker_id -> Text,
        maker_nickname -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        uses -> Nullable<BigInt>,
        used -> BigInt,
    }
}

diesel::joinable!(accounts -> users (user_id));
diesel::joinable!(identities -> users (user_id));
diesel::joinable!(tokens -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(accounts, identities, tokens, users);
diesel::allow_tables_to_appear_in_same_query!(memberships, rooms);
