-- Which endpoints are told when a flow settles, a list in JSON.
ALTER TABLE flows ADD COLUMN tells TEXT;
