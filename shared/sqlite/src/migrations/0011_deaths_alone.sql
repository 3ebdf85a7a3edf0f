-- Of a quarantined message: how often the process died while no other was tried.
ALTER TABLE messages ADD COLUMN deaths_alone INTEGER NOT NULL DEFAULT 0;
