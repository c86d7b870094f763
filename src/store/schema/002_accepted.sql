-- The second format. Never edit this file: a change of format is a new, numbered file.

-- What the user declared about changes of code: "of this function, `new` stands for `old`". Rows are only ever added,
-- with numbers from 1 without gaps; `revokes` is the number of the declaration that a row takes back.
CREATE TABLE accepted (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  revokes INTEGER,
  function TEXT NOT NULL,
  old BLOB NOT NULL,
  new BLOB NOT NULL,
  note TEXT,
  sum INTEGER NOT NULL
);
