-- The fourth format. Never edit this file: a change of format is a new, numbered file.

-- The database is as it was. But acknowledged outcomes of a run may stand in `beside-RUN` until its next commit, and programs
-- that only know the third format would not look there.
