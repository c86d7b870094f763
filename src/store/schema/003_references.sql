-- The third format. Never edit this file: a change of format is a new, numbered file.

-- No table changes. From here on `codec` of `nodes` may be 2 or 3: references to other nodes are stored as the
-- numbers of their rows (store/refs.rs), which earlier versions do not know. What is there stays as it is.
