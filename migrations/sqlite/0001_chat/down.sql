DROP TABLE snapshots;
DROP TABLE records;
DROP TABLE rooms;
DROP TABLE tokens;
DROP TABLE users;
