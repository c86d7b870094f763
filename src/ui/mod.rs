//! Drawing only: theme, widgets, panels.
