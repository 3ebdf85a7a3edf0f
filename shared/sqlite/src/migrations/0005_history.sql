-- What happened to a flow, as the short text of `core::History`.
ALTER TABLE flows ADD COLUMN history TEXT NOT NULL DEFAULT '';
