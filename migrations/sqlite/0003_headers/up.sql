-- What a sender's program adds to a message for other programs: a JSON object of texts; NULL where there is nothing.
ALTER TABLE records ADD COLUMN headers TEXT;
