-- Messages stand in one tree, in the order in which they are looked for, and no index has to be kept beside it: what waits,
-- each tenant's by time, and apart from it what was delivered and not acknowledged, which is little however long the queue is.
CREATE TABLE messages_in_order (
    queue TEXT NOT NULL,
    -- Whether it was delivered.
    received INTEGER NOT NULL DEFAULT 0 CHECK (received = (receives > 0)),
    tenant TEXT NOT NULL,
    visible_at INTEGER NOT NULL,
    -- Numbered by who sends, in one sequence for all queues.
    message_id INTEGER NOT NULL,
    body TEXT NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    together INTEGER NOT NULL DEFAULT 1,
    deaths_alone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (queue, received, tenant, visible_at, message_id)
) STRICT, WITHOUT ROWID;

INSERT INTO messages_in_order
    (queue, received, tenant, visible_at, message_id, body, receives, together, deaths_alone)
SELECT queue, receives > 0, tenant, visible_at, message_id, body, receives, together, deaths_alone
FROM messages ORDER BY 1, 2, 3, 4, 5;

DROP TABLE messages;
ALTER TABLE messages_in_order RENAME TO messages;
