-- How far the steps of a flow have come, as JSON; NULL where they have not.
ALTER TABLE flows ADD COLUMN progress TEXT;

-- When a message is due for it that the schedule sends: it may have none.
ALTER TABLE flows ADD COLUMN due_at INTEGER;
CREATE INDEX flows_due ON flows (due_at) WHERE due_at IS NOT NULL;
