//! The workbench's state, commands, keymap and update. No I/O, no drawing.
//!
//! Elm-shaped: the terminal floor turns what happens into [`Msg`] values, [`update`] changes [`AppState`] and
//! returns [`Effect`] values, [`settle`] runs once after a batch of messages and brings the derived parts (visible
//! rows, scroll positions, the inspector's text, what must be loaded) up to date. Then the `ui` floor draws.
//!
//! Invariants: nothing here blocks, reads a clock, touches a file or names a terminal library. `update` and
//! `settle` are total. Selections are identities (run ids, call numbers), never row numbers.

pub mod asof;
mod attempts;
pub mod blast;
pub mod command;
pub mod compare;
pub mod distinct;
pub mod editor;
pub mod filtering;
pub mod find;
pub mod form;
pub mod fork;
pub mod gate;
pub mod frames;
pub mod functions;
pub mod headless;
pub mod inspect;
pub mod picture;
pub mod keymap;
pub mod keys;
pub mod layout;
pub mod msg;
pub mod messages;
pub mod page;
pub mod openrun;
pub mod palette;
pub mod persist;
pub mod pointer;
pub mod problems;
pub mod runs;
pub mod say;
pub mod screens;
pub mod search;
pub mod settings;
pub mod state;
pub mod tab;
mod tablines;
pub mod timeline;
pub mod tone;
pub mod tour;
pub mod tree;
pub mod update;
mod valuelines;

pub use msg::{
    AppInfo, BackendEvent, Edited, Effect, Env, Fork, ForkEffects, Msg, Param, ProjectInfo, Reply,
    SourceFile, Sources, Start, ValueRow, ValueView,
};
pub use state::AppState;
pub use update::{settle, update};

#[cfg(test)]
mod asof_tests;
#[cfg(test)]
mod blast_tests;
#[cfg(test)]
pub mod script;
#[cfg(test)]
mod gate_tests;
#[cfg(test)]
mod messages_tests;
#[cfg(test)]
mod over_tests;
#[cfg(test)]
mod panes_tests;
#[cfg(test)]
mod screens_tests;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tab_tests;
#[cfg(test)]
mod update_tests;
