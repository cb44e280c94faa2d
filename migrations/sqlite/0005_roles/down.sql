DROP TABLE invitation_links;
DROP TABLE memberships;
ALTER TABLE records DROP COLUMN act;
ALTER TABLE rooms DROP COLUMN closed;
ALTER TABLE rooms DROP COLUMN peer_nickname;
ALTER TABLE rooms DROP COLUMN peer_id;
ALTER TABLE rooms DROP COLUMN visibility;
