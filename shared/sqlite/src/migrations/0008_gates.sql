-- The gates of operations, each a document. What the progress of a flow says of its slot is new too.
CREATE TABLE gates (
    operation TEXT PRIMARY KEY NOT NULL,
    gate TEXT NOT NULL
) WITHOUT ROWID;
