-- The endpoints of tenants, each tenant's a document, secrets and all; and what each is told, a document too.
CREATE TABLE webhooks (
    tenant TEXT PRIMARY KEY NOT NULL,
    webhooks TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE deliveries (
    webhook_id TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    revision INTEGER NOT NULL,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    delivery TEXT NOT NULL,
    PRIMARY KEY (webhook_id, delivery_id)
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_due_of ON deliveries (webhook_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_created ON deliveries (created_at);
