DROP TABLE partitions;
ALTER TABLE records DROP COLUMN log_offset;
ALTER TABLE rooms DROP COLUMN partition;
