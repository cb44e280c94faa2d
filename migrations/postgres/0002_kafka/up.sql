-- Where a room's records are in the Kafka log: given once, at its creation, so that adding partitions moves no room.
-- NULL while the room has only lived on the embedded log.
ALTER TABLE rooms ADD COLUMN partition INTEGER;

-- Where in its partition a record stands; NULL for records of the embedded log.
ALTER TABLE records ADD COLUMN log_offset BIGINT;

-- How far each partition is stored: everything below `next_offset`, in the same transaction as its records.
CREATE TABLE partitions (
    number INTEGER NOT NULL PRIMARY KEY,
    next_offset BIGINT NOT NULL
);
