-- When the output was made, for it to expire; what was there before counts as made now.
ALTER TABLE works ADD COLUMN made_at INTEGER;
UPDATE works SET made_at = unixepoch() * 1000 WHERE output IS NOT NULL;
CREATE INDEX works_by_time ON works (made_at) WHERE made_at IS NOT NULL;

CREATE INDEX batches_completed ON batches (created_at) WHERE completed_at IS NOT NULL;
