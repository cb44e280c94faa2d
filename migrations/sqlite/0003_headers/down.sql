ALTER TABLE records DROP COLUMN headers;
