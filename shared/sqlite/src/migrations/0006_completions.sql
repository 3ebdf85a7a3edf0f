-- Whether something is still to follow from the completion of a batch.
ALTER TABLE batches ADD COLUMN follows_open INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batches_followed ON batches (completed_at) WHERE follows_open = 1;
