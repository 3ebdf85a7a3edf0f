-- What settled and what was paid for: a row for each tenant and interval, by its number.
CREATE TABLE activity (
    tenant TEXT NOT NULL,
    interval INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    paid_calls INTEGER NOT NULL,
    PRIMARY KEY (tenant, interval)
) WITHOUT ROWID;
CREATE INDEX activity_by_interval ON activity (interval);
