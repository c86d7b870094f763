-- The first format. Never edit this file: a change of format is a new, numbered file
-- (a test compares the digest of every migration with the one it was released with).

CREATE TABLE meta (
  key TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- One row a run, newest last. `data` is the MessagePack of a RunRecord; `sum` covers the other columns.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  data BLOB NOT NULL,
  sum INTEGER NOT NULL
);

-- What the user said about a run. Apart from `runs`, whose rows belong to the process that executes them.
CREATE TABLE marks (
  uid TEXT PRIMARY KEY NOT NULL,
  pinned INTEGER NOT NULL,
  label TEXT,
  sum INTEGER NOT NULL
) WITHOUT ROWID;

-- Runs that were deleted on purpose, so that their slots in `heads` do not look like lost runs.
CREATE TABLE gone (
  uid TEXT PRIMARY KEY NOT NULL
) WITHOUT ROWID;

-- The log, in segments of `n` events. `digest` chains each segment to the one before it.
CREATE TABLE events (
  run INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  n INTEGER NOT NULL,
  digest BLOB NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (run, first_seq)
) WITHOUT ROWID;

-- Derived from the log. `fp` is the fingerprint's prefix, for reusable checkpoints only.
CREATE TABLE calls (
  run INTEGER NOT NULL,
  no INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  function TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  fp INTEGER,
  asked INTEGER NOT NULL,
  started INTEGER,
  ended INTEGER,
  wall INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  cost REAL,
  ask_seq INTEGER NOT NULL,
  end_seq INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (run, no)
) WITHOUT ROWID;

CREATE INDEX calls_fp ON calls (fp) WHERE fp IS NOT NULL;

-- Content-addressed data. The digest is `key` (its first 8 bytes) and `rest` (the other 24).
CREATE TABLE nodes (
  id INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  rest BLOB NOT NULL,
  codec INTEGER NOT NULL,
  size INTEGER NOT NULL,
  data BLOB NOT NULL
);

CREATE INDEX nodes_key ON nodes (key);
