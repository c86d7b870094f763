-- The index of full-text search, in a file of its own: everything here follows from the store, and a file of
-- another format or with damage is made again. So there are no migrations: a change raises FORMAT in mod.rs.

CREATE TABLE meta (
  key TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- How far each run was read. `done`: nothing more will come.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  app TEXT NOT NULL,
  started INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  done INTEGER NOT NULL
);

-- What paths are made of.
CREATE TABLE calls (
  run INTEGER NOT NULL,
  no INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  function TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  PRIMARY KEY (run, no)
) WITHOUT ROWID;

-- Nodes of values, log texts and errors, each once however often they occur. `fields` has a bit for each field that
-- a place of it, or of a doc that holds it, has: a part has all bits of what holds it.
CREATE TABLE docs (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  fields INTEGER NOT NULL
);

-- The docs of a run, parts included, each with its fields in that run: a part has all bits of what holds it. For searches
-- of one run, which would else have to follow every value of it downwards.
CREATE TABLE run_docs (
  run INTEGER NOT NULL,
  doc INTEGER NOT NULL,
  fields INTEGER NOT NULL,
  PRIMARY KEY (run, doc)
) WITHOUT ROWID;

-- Which docs are parts of which.
CREATE TABLE edges (
  child INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  PRIMARY KEY (child, parent)
) WITHOUT ROWID;

CREATE INDEX edges_parent ON edges (parent);

-- Where whole values, logs and errors occur; `seq` is the event that tells.
CREATE TABLE places (
  doc INTEGER NOT NULL,
  run INTEGER NOT NULL,
  call INTEGER NOT NULL,
  field INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (doc, run, call, field)
) WITHOUT ROWID;

CREATE INDEX places_run ON places (run);

-- The words of a doc's own text, without the text: that is in the store.
CREATE VIRTUAL TABLE texts USING fts5(
  body,
  content = '',
  contentless_delete = 1,
  tokenize = 'unicode61 remove_diacritics 2'
);
