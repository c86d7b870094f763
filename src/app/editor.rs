//! One line of text being edited, with the keys of a shell's line.

use super::keys::{Key, KeyCode};

/// A line and a cursor.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Editor {
    /// The characters.
    pub text: Vec<char>,
    /// The cursor, in characters.
    pub at: usize,
}

impl Editor {
    /// With the cursor at the end.
    pub fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        Editor { at: text.len(), text }
    }

    /// The text.
    pub fn value(&self) -> String {
        self.text.iter().collect()
    }

    /// Puts a character before the cursor.
    pub fn insert(&mut self, c: char) {
        let at = self.at.min(self.text.len());
        self.text.insert(at, c);
        self.at = at + 1;
    }

    /// Puts pasted text before the cursor; what would break the line becomes a space.
    pub fn paste(&mut self, pasted: &str) {
        for c in pasted.chars() {
            self.insert(if c.is_control() { ' ' } else { c });
        }
    }

    /// Where the word before the cursor begins.
    fn word(&self) -> usize {
        let before = self.text.get(..self.at).unwrap_or_default();
        let blank = before.iter().rev().take_while(|c| !c.is_alphanumeric()).count();
        let word = before.iter().rev().skip(blank).take_while(|c| c.is_alphanumeric()).count();
        self.at - blank - word
    }

    /// Takes a key; says whether it meant something here.
    pub fn key(&mut self, key: Key) -> bool {
        match key.code {
            KeyCode::Char('u') if key.ctrl => {
                self.text.drain(..self.at.min(self.text.len()));
                self.at = 0;
            }
            KeyCode::Char('k') if key.ctrl => self.text.truncate(self.at),
            KeyCode::Char('w') if key.ctrl => {
                let from = self.word();
                self.text.drain(from..self.at);
                self.at = from;
            }
            KeyCode::Char('a') if key.ctrl => self.at = 0,
            KeyCode::Char('e') if key.ctrl => self.at = self.text.len(),
            KeyCode::Char(c) if !key.ctrl && !key.alt => self.insert(c),
            KeyCode::Backspace if self.at > 0 => {
                self.at -= 1;
                self.text.remove(self.at);
            }
            KeyCode::Backspace => {}
            KeyCode::Delete if self.at < self.text.len() => {
                self.text.remove(self.at);
            }
            KeyCode::Left if key.ctrl || key.alt => self.at = self.word(),
            KeyCode::Left => self.at = self.at.saturating_sub(1),
            KeyCode::Right => self.at = (self.at + 1).min(self.text.len()),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::keys::sequence;
    use proptest::prelude::*;

    fn typed(text: &str, keys: &str) -> (String, usize) {
        let mut editor = Editor::new(text);
        for key in sequence(keys).unwrap() {
            editor.key(key);
        }
        (editor.value(), editor.at)
    }

    #[test]
    fn keys_edit_as_in_a_shell() {
        assert_eq!(typed("ab cd", "ctrl-w"), ("ab ".to_owned(), 3));
        assert_eq!(typed("ab cd", "left left ctrl-u"), ("cd".to_owned(), 0));
        assert_eq!(typed("ab", "home x delete end y"), ("xby".to_owned(), 3));
        assert_eq!(typed("ab", "left ctrl-k"), ("a".to_owned(), 1));
    }

    proptest! {
        #[test]
        fn the_cursor_stays_in_the_text(
            text in "\\PC{0,12}",
            keys in proptest::collection::vec(proptest::sample::select(vec![
                "x", "left", "right", "ctrl-left", "home", "end", "backspace", "delete", "ctrl-u", "ctrl-k", "ctrl-w",
            ]), 0..20),
        ) {
            let mut editor = Editor::new(&text);
            for key in keys {
                editor.key(Key::parse(key).unwrap());
                prop_assert!(editor.at <= editor.text.len());
            }
        }
    }
}
