-- What callers call their batches: a name, and labels as a JSON object.
ALTER TABLE batches ADD COLUMN name TEXT;
ALTER TABLE batches ADD COLUMN labels TEXT;
