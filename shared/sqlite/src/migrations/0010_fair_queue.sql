-- Whose message it is, for tenants to take turns.
ALTER TABLE messages ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
UPDATE messages SET tenant = coalesce(json_extract(body, '$.tenant'), '') WHERE json_valid(body);
CREATE INDEX messages_by_tenant ON messages (queue, tenant, visible_at);
-- Of a quarantined message: how many are tried at the same time, itself included.
ALTER TABLE messages ADD COLUMN together INTEGER NOT NULL DEFAULT 1;
-- What was delivered and not acknowledged: few, however long the queue is.
CREATE INDEX messages_received ON messages (queue, tenant, visible_at) WHERE receives > 0;
