-- How many flows each tenant has in batches that are dispatched and not complete. Kept by triggers, so that whoever
-- writes a batch can't forget it, and asking costs one row however many batches there are.
CREATE TABLE open_flows (
    tenant TEXT PRIMARY KEY,
    flows INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO open_flows
SELECT tenant, sum(size) FROM batches
WHERE dispatched_at IS NOT NULL AND completed_at IS NULL GROUP BY tenant;

CREATE TRIGGER open_flows_insert AFTER INSERT ON batches
WHEN NEW.dispatched_at IS NOT NULL AND NEW.completed_at IS NULL BEGIN
    INSERT INTO open_flows VALUES (NEW.tenant, NEW.size)
    ON CONFLICT (tenant) DO UPDATE SET flows = flows + excluded.flows;
END;

CREATE TRIGGER open_flows_opened AFTER UPDATE OF dispatched_at, completed_at ON batches
WHEN NEW.dispatched_at IS NOT NULL AND NEW.completed_at IS NULL
    AND NOT (OLD.dispatched_at IS NOT NULL AND OLD.completed_at IS NULL) BEGIN
    INSERT INTO open_flows VALUES (NEW.tenant, NEW.size)
    ON CONFLICT (tenant) DO UPDATE SET flows = flows + excluded.flows;
END;

CREATE TRIGGER open_flows_closed AFTER UPDATE OF dispatched_at, completed_at ON batches
WHEN OLD.dispatched_at IS NOT NULL AND OLD.completed_at IS NULL
    AND NOT (NEW.dispatched_at IS NOT NULL AND NEW.completed_at IS NULL) BEGIN
    UPDATE open_flows SET flows = flows - OLD.size WHERE tenant = OLD.tenant;
END;

CREATE TRIGGER open_flows_delete AFTER DELETE ON batches
WHEN OLD.dispatched_at IS NOT NULL AND OLD.completed_at IS NULL BEGIN
    UPDATE open_flows SET flows = flows - OLD.size WHERE tenant = OLD.tenant;
END;
