-- Counts the changes of the row; 0 is not known: what was there before is from a version that counted none.
ALTER TABLE flows ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
