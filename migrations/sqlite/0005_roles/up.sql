-- What a room was made as, for ever: `public`, `private` or `direct`, and the other one of a direct room.
ALTER TABLE rooms ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public';
ALTER TABLE rooms ADD COLUMN peer_id TEXT;
ALTER TABLE rooms ADD COLUMN peer_nickname TEXT;

-- Kept by whoever stores the room's log, as its head is. The `name_key` of a room that is closed is given up.
ALTER TABLE rooms ADD COLUMN closed BOOLEAN NOT NULL DEFAULT FALSE;

-- What a record says about others, or the sender's new name: a JSON object; NULL where there is nothing.
ALTER TABLE records ADD COLUMN act TEXT;

-- Who is what in which room, as of the record `seq`: `owner`, `moderator` or `member` for members, and `invited`. Kept by
-- whoever stores the room's log, in the same transaction; what counts is the log.
CREATE TABLE memberships (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    standing TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (user_id, room_id)
);
CREATE INDEX memberships_by_room ON memberships (room_id);

INSERT INTO memberships (user_id, room_id, standing, seq)
SELECT r.sender_id, r.room_id, CASE WHEN rooms.creator_id = r.sender_id THEN 'owner' ELSE 'member' END, r.seq
FROM records r
JOIN (
    SELECT room_id, MAX(seq) AS seq FROM records WHERE kind IN ('joined', 'left') GROUP BY room_id, sender_id
) latest ON latest.room_id = r.room_id AND latest.seq = r.seq
JOIN rooms ON rooms.id = r.room_id
WHERE r.kind = 'joined';

-- Links with which whoever has one is invited in the name of who made it.
CREATE TABLE invitation_links (
    id TEXT NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    room_id TEXT NOT NULL,
    maker_id TEXT NOT NULL,
    maker_nickname TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    uses BIGINT,
    used BIGINT NOT NULL
);
CREATE INDEX invitation_links_by_room ON invitation_links (room_id);
