//! Which keys mean which command: the table's own keys, changed by presets and by the user's files.
//!
//! A binding is a sequence of one to three keys in a scope. The narrower scope wins; within one, a key that both is a
//! command and begins a sequence is the command.

use super::command::{COMMANDS, CommandId, Scope, command};
use super::keys::{self, Key};

/// A sequence of keys and what it means.
#[derive(Clone, PartialEq, Debug)]
pub struct Binding {
    /// Where.
    pub scope: Scope,
    /// The keys.
    pub keys: Vec<Key>,
    /// The command.
    pub id: CommandId,
}

/// What the keys that were pressed mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// A command.
    Command(CommandId),
    /// The beginning of something.
    Prefix,
    /// Nothing.
    Nothing,
}

/// All bindings.
#[derive(Clone, PartialEq, Debug)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut keymap = Keymap { bindings: Vec::new() };
        for command in COMMANDS {
            keymap.add(command.id, command.keys.iter().filter_map(|text| keys::sequence(text)).collect());
        }
        keymap
    }
}

impl Keymap {
    fn add(&mut self, id: CommandId, sequences: Vec<Vec<Key>>) {
        let Some(command) = command(id) else { return };
        self.bindings.extend(sequences.into_iter().map(|keys| Binding { scope: command.scope, keys, id }));
    }

    /// Gives a command other keys, or none. Whatever else had one of them in the same scope loses it.
    pub fn rebind(&mut self, id: CommandId, sequences: Vec<Vec<Key>>) {
        let Some(scope) = command(id).map(|command| command.scope) else { return };
        self.bindings.retain(|b| b.id != id && !(b.scope == scope && sequences.contains(&b.keys)));
        self.add(id, sequences);
    }

    /// A command's sequences, the one to show first.
    pub fn keys(&self, id: CommandId) -> impl Iterator<Item = &[Key]> {
        self.bindings.iter().filter(move |binding| binding.id == id).map(|binding| binding.keys.as_slice())
    }

    /// The sequence to name for a command, for people; `None` when it has none.
    pub fn name(&self, id: CommandId) -> Option<String> {
        self.keys(id).next().map(keys::sequence_name)
    }

    /// A command's keys for people: `Left h`, `End G`; several sequences are separated by two spaces when one of
    /// them has more than one key.
    pub fn names(&self, id: CommandId) -> String {
        let names: Vec<String> = self.keys(id).map(keys::sequence_name).collect();
        names.join(if names.iter().any(|name| name.contains(' ')) { ", " } else { " " })
    }

    /// What these keys mean in these scopes, the narrowest first.
    pub fn find(&self, pressed: &[Key], scopes: &[Scope]) -> Found {
        for scope in scopes {
            if let Some(binding) = self.bindings.iter().find(|b| b.scope == *scope && b.keys == pressed) {
                return Found::Command(binding.id);
            }
            if self.bindings.iter().any(|b| begins(b, pressed, &[*scope])) {
                return Found::Prefix;
            }
        }
        Found::Nothing
    }

    /// What may follow these keys: the rest of the sequence and its command, in the order of the table.
    pub fn continuations(&self, pressed: &[Key], scopes: &[Scope]) -> Vec<(Vec<Key>, CommandId)> {
        let mut out: Vec<(Vec<Key>, CommandId)> = Vec::new();
        for binding in self.bindings.iter().filter(|b| begins(b, pressed, scopes)) {
            let rest = binding.keys.get(pressed.len()..).unwrap_or_default().to_vec();
            if !out.iter().any(|(known, _)| *known == rest) {
                out.push((rest, binding.id));
            }
        }
        out
    }

    /// Where these keys mean something, or begin what does, whatever is shown: each scope once, with the command unless
    /// more keys are needed.
    pub fn anywhere(&self, pressed: &[Key]) -> Vec<(Scope, Option<CommandId>)> {
        let mut out: Vec<(Scope, Option<CommandId>)> = Vec::new();
        for binding in self.bindings.iter().filter(|b| b.keys.starts_with(pressed)) {
            let id = (binding.keys.len() == pressed.len()).then_some(binding.id);
            match out.iter_mut().find(|(scope, _)| *scope == binding.scope) {
                Some((_, known)) => *known = known.or(id),
                None => out.push((binding.scope, id)),
            }
        }
        out
    }

    /// Sequences that can never be typed, because their beginning is a command already: the sequence, and the
    /// command that is in its way.
    pub fn unreachable(&self) -> Vec<(&Binding, &Binding)> {
        let hides = |short: &Binding, long: &Binding| {
            short.keys.len() < long.keys.len()
                && long.keys.starts_with(&short.keys)
                // The keys of the gate are in the way of others only while a run is stepped through.
                && (short.scope == long.scope || long.scope == Scope::Global && !matches!(short.scope, Scope::Gate | Scope::TimeLine))
        };
        let blocking = |long| self.bindings.iter().find(|short| hides(short, long));
        self.bindings.iter().filter_map(|long| blocking(long).map(|short| (long, short))).collect()
    }
}

fn begins(binding: &Binding, pressed: &[Key], scopes: &[Scope]) -> bool {
    scopes.contains(&binding.scope) && binding.keys.len() > pressed.len() && binding.keys.starts_with(pressed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::Pane;

    fn seq(text: &str) -> Vec<Key> {
        keys::sequence(text).unwrap()
    }

    const CALLS: [Scope; 2] = [Scope::Pane(Pane::Calls), Scope::Global];
    const INSPECTOR: [Scope; 2] = [Scope::Pane(Pane::Inspector), Scope::Global];

    #[test]
    fn the_pane_comes_first() {
        let map = Keymap::default();
        assert_eq!(map.find(&seq("left"), &CALLS), Found::Command(CommandId::Fold));
        assert_eq!(map.find(&seq("left"), &INSPECTOR), Found::Command(CommandId::PrevTab));
        assert_eq!(map.find(&seq("left"), &[Scope::Global]), Found::Nothing);
    }

    #[test]
    fn sequences_are_found_key_by_key() {
        let map = Keymap::default();
        assert_eq!(map.find(&seq("g"), &CALLS), Found::Prefix);
        assert_eq!(map.find(&seq("g g"), &CALLS), Found::Command(CommandId::Top));
        assert_eq!(map.find(&seq("g x"), &CALLS), Found::Nothing);
        let next = map.continuations(&seq("g"), &CALLS);
        assert!(next.contains(&(seq("e"), CommandId::Bottom)), "{next:?}");
    }

    #[test]
    fn every_default_can_be_typed() {
        assert_eq!(Keymap::default().unreachable(), []);
    }

    #[test]
    fn a_rebound_key_is_taken_from_its_owner() {
        let mut map = Keymap::default();
        map.rebind(CommandId::Replay, vec![seq("r")]);
        assert_eq!(map.find(&seq("r"), &CALLS), Found::Command(CommandId::Replay));
        assert_eq!(map.find(&seq("R"), &CALLS), Found::Nothing);
        assert_eq!(map.keys(CommandId::Run).count(), 0);
        map.rebind(CommandId::Quit, vec![]);
        assert_eq!(map.find(&seq("q"), &CALLS), Found::Nothing);
    }

    #[test]
    fn a_key_that_hides_a_sequence_is_noticed() {
        let mut map = Keymap::default();
        map.rebind(CommandId::Run, vec![seq("g")]);
        assert!(
            map.unreachable()
                .iter()
                .any(|(long, short)| long.keys == seq("g g") && short.id == CommandId::Run)
        );
    }
}
