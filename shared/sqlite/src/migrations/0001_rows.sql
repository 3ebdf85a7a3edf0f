-- Times are milliseconds since the Unix epoch.

CREATE TABLE batches (
    batch_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    operation TEXT NOT NULL,
    params TEXT NOT NULL,
    size INTEGER NOT NULL,
    -- How many different flows were tallied as settled.
    settled INTEGER NOT NULL DEFAULT 0,
    retry_of TEXT,
    created_at INTEGER NOT NULL,
    dispatched_at INTEGER,
    completed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX batches_by_tenant ON batches (tenant, batch_id);
CREATE INDEX batches_undispatched ON batches (created_at) WHERE dispatched_at IS NULL;

CREATE TABLE flows (
    flow_id TEXT PRIMARY KEY,
    batch_id TEXT NOT NULL,
    -- The index of the flow in its batch; "index" is a word of SQL.
    place INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    source TEXT NOT NULL,
    operation TEXT NOT NULL,
    params TEXT NOT NULL,
    state TEXT NOT NULL,
    -- PENDING: not before; RUNNING: end of the lease; settled: since when.
    at INTEGER,
    -- PENDING: the last failure; RUNNING: how many workers abandoned it; COMPLETED: the output; FAILED: the failure.
    detail TEXT,
    attempts INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    unconfirmed_calls INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX flows_by_batch ON flows (batch_id, place);
CREATE INDEX flows_by_state ON flows (batch_id, state, place);
CREATE INDEX flows_running ON flows (state) WHERE state = 'RUNNING';

CREATE TABLE tallies (
    batch_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (batch_id, place)
) STRICT, WITHOUT ROWID;

-- Either held until a time, or done with an output.
CREATE TABLE works (
    work_key TEXT PRIMARY KEY,
    -- The flow whose attempt does it, and the fence of that attempt.
    holder TEXT,
    fence INTEGER,
    held_until INTEGER,
    output TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX works_held ON works (held_until) WHERE held_until IS NOT NULL;

CREATE TABLE messages (
    message_id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    visible_at INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX messages_by_time ON messages (queue, visible_at);
