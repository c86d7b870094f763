//! What the terminal answers, among the keys.
//!
//! The reader of input knows no such answers and takes them for keys: `ESC _` for Alt-_, and then each character. So
//! they are put together again from those keys, whenever they come; until then everything is what it was. Keys that turn
//! out not to be an answer are handed on.

use crossterm::event::{Event, KeyCode, KeyModifiers};

/// Asks for kitty's graphics (with an image of one pixel that is not shown), and for the terminal's name.
pub const QUESTION: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q";

/// Characters of an answer at most; what is longer is none.
const MOST: usize = 256;

/// The answers that are waited for.
#[derive(Debug, Default)]
pub struct Answers {
    /// The terminal was asked.
    asked: bool,
    /// What may be an answer: its first key, and what followed.
    begun: Option<(Event, String)>,
}

/// What came.
#[derive(Debug, PartialEq)]
pub enum Came {
    /// Ordinary input, in order.
    Input(Vec<Event>),
    /// A part of an answer.
    Part,
    /// A whole answer, without its frame.
    Answer(String),
}

impl Answers {
    /// The terminal was asked: from now on answers may come.
    pub fn expect(&mut self) {
        self.asked = true;
    }

    /// Takes an event of the input.
    pub fn take(&mut self, event: Event) -> Came {
        let key = match &event {
            Event::Key(key) => match key.code {
                KeyCode::Char(c) => Some((c, key.modifiers.contains(KeyModifiers::ALT))),
                _ => None,
            },
            _ => None,
        };
        match (self.begun.take(), key) {
            (None, Some(('_' | 'P', true))) if self.asked => {
                self.begun = Some((event, String::new()));
                Came::Part
            }
            (None, _) => Came::Input(vec![event]),
            // ESC \ ends it.
            (Some((_, text)), Some(('\\', true))) if !text.is_empty() => Came::Answer(text),
            (Some((first, mut text)), Some((c, false))) if !text.is_empty() || matches!(c, 'G' | '>') => {
                text.push(c);
                if text.len() < MOST {
                    self.begun = Some((first, text));
                }
                Came::Part
            }
            (Some((first, text)), _) if text.is_empty() => Came::Input(vec![first, event]),
            // Nobody types what was an answer up to here.
            (Some(_), _) => Came::Input(vec![event]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    fn key(c: char, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
    }

    fn typed(answers: &mut Answers, alt: &str, text: &str) -> Vec<Came> {
        let first = alt.chars().map(|c| key(c, KeyModifiers::ALT));
        let rest = text.chars().map(|c| key(c, KeyModifiers::NONE));
        first.chain(rest).map(|event| answers.take(event)).filter(|came| *came != Came::Part).collect()
    }

    #[test]
    fn answers_are_put_together_and_keys_stay_keys() {
        let mut answers = Answers::default();
        let alt = key('P', KeyModifiers::ALT);
        assert_eq!(answers.take(alt.clone()), Came::Input(vec![alt.clone()]), "nothing was asked");
        answers.expect();
        assert_eq!(typed(&mut answers, "_", "Gi=31;OK"), []);
        assert_eq!(answers.take(key('\\', KeyModifiers::ALT)), Came::Answer("Gi=31;OK".to_owned()));
        assert_eq!(typed(&mut answers, "P", ">|foot(1.16)"), []);
        assert_eq!(answers.take(key('\\', KeyModifiers::ALT)), Came::Answer(">|foot(1.16)".to_owned()));
        // Alt-P, and then something else.
        assert_eq!(answers.take(alt.clone()), Came::Part);
        let q = key('q', KeyModifiers::NONE);
        assert_eq!(answers.take(q.clone()), Came::Input(vec![alt, q.clone()]));
        assert_eq!(answers.take(q.clone()), Came::Input(vec![q]));
        // One that never ends holds nothing up.
        assert_eq!(typed(&mut answers, "_", &format!("G{}", "x".repeat(MOST - 1))), []);
        assert_eq!(typed(&mut answers, "", "q").len(), 1);
    }
}
