-- A folder's database as a version with schema 1 left it when it was killed: see migrations.rs.
PRAGMA user_version = 1;
BEGIN TRANSACTION;
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
INSERT INTO "batches" VALUES('01a210ca-f4d0-7174-9309-e8d1b92b12dc','local','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}',3,3,NULL,1795578066128,1795578066143,1795578067113);
INSERT INTO "batches" VALUES('01a210ca-f8e7-72cf-984a-d873fa5c166f','local','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}',4,0,NULL,1795578067175,1795578067187,NULL);
INSERT INTO "batches" VALUES('01a210ca-fcf8-762b-845c-33fbd3947b0d','local','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}',1,1,NULL,1795578068216,1795578068228,1795578068263);
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
INSERT INTO "flows" VALUES('01a210ca-f4d0-7174-9309-e8d2b3392b07','01a210ca-f4d0-7174-9309-e8d1b92b12dc',0,'local','{assets}/photo/0','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}','COMPLETED',1795578067113,'{"key":"local/5be83201a48f23c5028bbf9ad8e63d3823c281ff0b67eed2def72470ba4e8836.jpg","media_type":"image/jpeg","bytes":35775,"sha256":"5be83201a48f23c5028bbf9ad8e63d3823c281ff0b67eed2def72470ba4e8836"}',2,2,0,1795578066128,1795578066146);
INSERT INTO "flows" VALUES('01a210ca-f4d0-7174-9309-e8d306965d14','01a210ca-f4d0-7174-9309-e8d1b92b12dc',1,'local','{assets}/photo/1','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}','COMPLETED',1795578066859,'{"key":"local/5be83201a48f23c5028bbf9ad8e63d3823c281ff0b67eed2def72470ba4e8836.jpg","media_type":"image/jpeg","bytes":35775,"sha256":"5be83201a48f23c5028bbf9ad8e63d3823c281ff0b67eed2def72470ba4e8836"}',2,2,0,1795578066128,1795578066146);
INSERT INTO "flows" VALUES('01a210ca-f4d0-7174-9309-e8d46288aa7c','01a210ca-f4d0-7174-9309-e8d1b92b12dc',2,'local','ftp://example.com/a.jpg','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}','FAILED',1795578066128,'{"code":"unsupported_scheme","message":"only http and https URLs can be fetched","retryable":false}',0,0,0,1795578066128,NULL);
INSERT INTO "flows" VALUES('01a210ca-f8e7-72cf-984a-d8749bc48dcb','01a210ca-f8e7-72cf-984a-d873fa5c166f',0,'local','{assets}/photo/2','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}','RUNNING',1795578247190,'0',1,1,0,1795578067175,1795578067190);
INSERT INTO "flows" VALUES('01a210ca-f8e7-72cf-984a-d875a6c3cb08','01a210ca-f8e7-72cf-984a-d873fa5c166f',1,'local','{assets}/photo/3','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}','RUNNING',1795578247197,'0',1,1,0,1795578067175,1795578067197);
INSERT INTO "flows" VALUES('01a210ca-f8e7-72cf-984a-d876ccddf189','01a210ca-f8e7-72cf-984a-d873fa5c166f',2,'local','{assets}/photo/4','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}','PENDING',NULL,NULL,0,0,0,1795578067175,NULL);
INSERT INTO "flows" VALUES('01a210ca-f8e7-72cf-984a-d877d7707adb','01a210ca-f8e7-72cf-984a-d873fa5c166f',3,'local','{assets}/photo/5','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}','PENDING',NULL,NULL,0,0,0,1795578067175,NULL);
INSERT INTO "flows" VALUES('01a210ca-fcf8-762b-845c-33fca25569b7','01a210ca-fcf8-762b-845c-33fbd3947b0d',0,'local','{assets}/photo/6','thumbnail','{"background":"#ffffff","format":"auto","height":512,"profile":"keep","quality":80,"width":512}','CANCELLED',1795578068260,NULL,0,0,0,1795578068216,NULL);
CREATE TABLE messages (
    message_id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    visible_at INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "messages" VALUES(5,'flows','{"flow_id":"01a210ca-f8e7-72cf-984a-d8749bc48dcb","tenant":"local"}',1795578267189,1);
INSERT INTO "messages" VALUES(6,'flows','{"flow_id":"01a210ca-f8e7-72cf-984a-d875a6c3cb08","tenant":"local"}',1795578267191,1);
INSERT INTO "messages" VALUES(7,'flows','{"flow_id":"01a210ca-f8e7-72cf-984a-d876ccddf189","tenant":"local"}',1795578067184,0);
INSERT INTO "messages" VALUES(8,'flows','{"flow_id":"01a210ca-f8e7-72cf-984a-d877d7707adb","tenant":"local"}',1795578067184,0);
INSERT INTO "messages" VALUES(9,'flows','{"flow_id":"01a210ca-fcf8-762b-845c-33fca25569b7","tenant":"local"}',1795578068224,0);
CREATE TABLE tallies (
    batch_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (batch_id, place)
) STRICT, WITHOUT ROWID;
INSERT INTO "tallies" VALUES('01a210ca-f4d0-7174-9309-e8d1b92b12dc',0);
INSERT INTO "tallies" VALUES('01a210ca-f4d0-7174-9309-e8d1b92b12dc',1);
INSERT INTO "tallies" VALUES('01a210ca-f4d0-7174-9309-e8d1b92b12dc',2);
INSERT INTO "tallies" VALUES('01a210ca-fcf8-762b-845c-33fbd3947b0d',0);
CREATE TABLE works (
    work_key TEXT PRIMARY KEY,
    -- The flow whose attempt does it, and the fence of that attempt.
    holder TEXT,
    fence INTEGER,
    held_until INTEGER,
    output TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "works" VALUES('8a09b36c3e354847c5d2080fb0dc812d5da43c5ba6e1c00fd7684420e748f41e',NULL,NULL,NULL,'{"key":"local/5be83201a48f23c5028bbf9ad8e63d3823c281ff0b67eed2def72470ba4e8836.jpg","media_type":"image/jpeg","bytes":35775,"sha256":"5be83201a48f23c5028bbf9ad8e63d3823c281ff0b67eed2def72470ba4e8836"}');
CREATE INDEX batches_by_tenant ON batches (tenant, batch_id);
CREATE INDEX batches_undispatched ON batches (created_at) WHERE dispatched_at IS NULL;
CREATE INDEX flows_by_batch ON flows (batch_id, place);
CREATE INDEX flows_by_state ON flows (batch_id, state, place);
CREATE INDEX flows_running ON flows (state) WHERE state = 'RUNNING';
CREATE INDEX works_held ON works (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX messages_by_time ON messages (queue, visible_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('messages',9);
COMMIT;