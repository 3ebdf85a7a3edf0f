-- The endpoints that are to be told anything now or later, and when first: whoever looks for what is due goes through those
-- for which something is due now, those that wait longest first, and through no others. Kept by triggers, so that
-- whoever writes a delivery can't forget it. Their ORDER BY takes one step through the index; min() with HAVING takes one for each
-- delivery that is due.
CREATE TABLE due_endpoints (
    webhook_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX due_endpoints_of ON due_endpoints (tenant, due_at);

INSERT INTO due_endpoints
SELECT webhook_id, min(tenant), min(due_at) FROM deliveries WHERE due_at IS NOT NULL GROUP BY webhook_id;

CREATE TRIGGER due_endpoints_insert AFTER INSERT ON deliveries WHEN NEW.due_at IS NOT NULL BEGIN
    INSERT INTO due_endpoints VALUES (NEW.webhook_id, NEW.tenant, NEW.due_at)
    ON CONFLICT (webhook_id) DO UPDATE SET due_at = excluded.due_at WHERE excluded.due_at < due_at;
END;

CREATE TRIGGER due_endpoints_update AFTER UPDATE OF due_at ON deliveries BEGIN
    DELETE FROM due_endpoints WHERE webhook_id = OLD.webhook_id;
    INSERT INTO due_endpoints
    SELECT NEW.webhook_id, NEW.tenant, due_at FROM deliveries
    WHERE webhook_id = NEW.webhook_id AND due_at IS NOT NULL ORDER BY due_at LIMIT 1;
END;

CREATE TRIGGER due_endpoints_delete AFTER DELETE ON deliveries WHEN OLD.due_at IS NOT NULL BEGIN
    DELETE FROM due_endpoints WHERE webhook_id = OLD.webhook_id;
    INSERT INTO due_endpoints
    SELECT OLD.webhook_id, OLD.tenant, due_at FROM deliveries
    WHERE webhook_id = OLD.webhook_id AND due_at IS NOT NULL ORDER BY due_at LIMIT 1;
END;

-- What it was looked for by.
DROP INDEX deliveries_due;
