-- How the flows of a batch ended, counted as they settle. Of a batch that an earlier version began, the three are fewer
-- than those that settled, and tell nothing.
ALTER TABLE batches ADD COLUMN completed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
