//! The workbench's state, commands, keymap and update. No I/O, no drawing.
