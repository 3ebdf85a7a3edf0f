-- Which endpoints are told how far the batch of a flow is, a list in JSON.
ALTER TABLE flows ADD COLUMN tells_progress TEXT;
