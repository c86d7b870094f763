//! Keys as the workbench names them, free of any terminal library.
//!
//! A key is written `q`, `R`, `space`, `ctrl-z`, `shift-tab`, `pgup`, `f5`; a sequence of keys with spaces between
//! them: `g g`. [`Key::parse`] reads what [`Key::written`] writes; [`Key::name`] is for people.

/// Which key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KeyCode {
    /// A character; capitals carry their shift.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// A function key, from 1.
    F(u8),
}

/// A key with its modifiers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    /// Which.
    pub code: KeyCode,
    /// With Control.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
}

const NAMED: [(&str, KeyCode, &str); 15] = [
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("tab", KeyCode::Tab, "Tab"),
    ("shift-tab", KeyCode::BackTab, "Shift-Tab"),
    ("backspace", KeyCode::Backspace, "Backspace"),
    ("delete", KeyCode::Delete, "Delete"),
    ("up", KeyCode::Up, "Up"),
    ("down", KeyCode::Down, "Down"),
    ("left", KeyCode::Left, "Left"),
    ("right", KeyCode::Right, "Right"),
    ("pgup", KeyCode::PageUp, "PgUp"),
    ("pgdn", KeyCode::PageDown, "PgDn"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
    ("space", KeyCode::Char(' '), "Space"),
];

impl Key {
    /// A key without modifiers.
    pub const fn plain(code: KeyCode) -> Self {
        Key { code, ctrl: false, alt: false }
    }

    /// Reads `ctrl-z`, `space`, `R`.
    pub fn parse(text: &str) -> Option<Self> {
        let (ctrl, rest) = match text.strip_prefix("ctrl-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (alt, rest) = match rest.strip_prefix("alt-") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let named = NAMED.iter().find(|(name, _, _)| *name == rest).map(|(_, code, _)| *code);
        let function =
            || rest.strip_prefix('f')?.parse().ok().filter(|n| (1..=24).contains(n)).map(KeyCode::F);
        let code = match named.or_else(function) {
            Some(code) => code,
            None => {
                let mut chars = rest.chars();
                let c = chars.next()?;
                if chars.next().is_some() {
                    return None;
                }
                KeyCode::Char(c)
            }
        };
        Some(Key { code, ctrl, alt })
    }

    /// How people read it: `Ctrl-Z`, `Space`, `R`.
    pub fn name(self) -> String {
        let mut out = String::new();
        if self.ctrl {
            out.push_str("Ctrl-");
        }
        if self.alt {
            out.push_str("Alt-");
        }
        match NAMED.iter().find(|(_, code, _)| *code == self.code) {
            Some((_, _, shown)) => out.push_str(shown),
            None => match self.code {
                KeyCode::Char(c) if self.ctrl => out.extend(c.to_uppercase()),
                KeyCode::Char(c) => out.push(c),
                KeyCode::F(n) => out.push_str(&format!("F{n}")),
                _ => {}
            },
        }
        out
    }

    /// How key files write it: `ctrl-z`, `space`, `R`.
    pub fn written(self) -> String {
        let name = match (NAMED.iter().find(|(_, code, _)| *code == self.code), self.code) {
            (Some((name, _, _)), _) => (*name).to_owned(),
            (None, KeyCode::Char(c)) => c.to_string(),
            (None, KeyCode::F(n)) => format!("f{n}"),
            (None, _) => String::new(),
        };
        let (ctrl, alt) = (if self.ctrl { "ctrl-" } else { "" }, if self.alt { "alt-" } else { "" });
        format!("{ctrl}{alt}{name}")
    }
}

/// Reads a sequence of keys: `g g`, `ctrl-p`.
pub fn sequence(text: &str) -> Option<Vec<Key>> {
    let keys: Vec<Key> = text.split_whitespace().map(Key::parse).collect::<Option<_>>()?;
    (!keys.is_empty()).then_some(keys)
}

/// A sequence for people: `g g`, `Ctrl-P`.
pub fn sequence_name(keys: &[Key]) -> String {
    keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_key() -> impl Strategy<Value = Key> {
        let named = proptest::sample::select(NAMED.map(|(_, code, _)| code).to_vec());
        let code = prop_oneof![
            named,
            "[!-~äß→]".prop_map(|s| KeyCode::Char(s.chars().next().unwrap())),
            (1u8..=12).prop_map(KeyCode::F)
        ];
        (code, any::<bool>(), any::<bool>()).prop_map(|(code, ctrl, alt)| Key { code, ctrl, alt })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(keys in proptest::collection::vec(any_key(), 1..4)) {
            let text: Vec<String> = keys.iter().map(|key| key.written()).collect();
            prop_assert_eq!(sequence(&text.join(" ")), Some(keys));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "  ", "f0", "f99", "ctrl-", "xx", "g xx"] {
            assert_eq!(sequence(text), None, "{text}");
        }
    }
}
