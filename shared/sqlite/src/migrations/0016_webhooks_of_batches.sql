-- The endpoint that is told of a batch alone, a document, secret and all.
ALTER TABLE batches ADD COLUMN webhook TEXT;
