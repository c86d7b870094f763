//! What the workbench said: the sentences that stood above the keys for a while, kept so that they can be read later.
//!
//! Invariants: bounded in number and in length. When there is no room, the oldest that is not an error goes first, so that
//! what went wrong outlasts what went on. What only answers a key is not kept: the key says it again.

use std::collections::VecDeque;

use crate::base::clock::Micros;
use crate::base::text;
use crate::model::Level;

use super::say;
use super::tone::Tone;

/// Most messages that are kept.
pub const MOST: usize = 200;
/// Most characters of one.
const LONG: usize = 4_000;

/// One message.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// When it was said last.
    pub at: Micros,
    /// How much it matters.
    pub level: Level,
    /// The sentence, unsanitised.
    pub text: String,
    /// How often it was said without another in between.
    pub times: u32,
}

impl Message {
    /// How long ago, in the columns that the list has for it.
    pub fn age(&self, now: Micros) -> String {
        say::age(now.saturating_sub(self.at))
    }

    /// The sentence, and how often.
    pub fn words(&self) -> String {
        if self.times > 1 { format!("{} ({} times)", self.text, self.times) } else { self.text.clone() }
    }
}

/// The word for how much a message matters; what is good to know needs none.
pub fn word(level: Level) -> &'static str {
    match level {
        Level::Info => "",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// How it is shown.
pub fn tone(level: Level) -> Tone {
    match level {
        Level::Info => Tone::Text,
        Level::Warning => Tone::Warning,
        Level::Error => Tone::Bad,
    }
}

/// All that are kept, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    all: VecDeque<Message>,
}

impl Messages {
    /// Keeps a sentence; gives the place of one that had to go.
    pub fn keep(&mut self, at: Micros, level: Level, sentence: &str) -> Option<usize> {
        let sentence = text::beginning(sentence, LONG);
        if let Some(last) = self.all.back_mut().filter(|last| last.level == level && last.text == sentence) {
            (last.at, last.times) = (at, last.times.saturating_add(1));
            return None;
        }
        let gone = (self.all.len() >= MOST)
            .then(|| self.all.iter().position(|message| message.level != Level::Error).unwrap_or(0));
        if let Some(place) = gone {
            self.all.remove(place);
        }
        self.all.push_back(Message { at, level, text: sentence.into_owned(), times: 1 });
        gone
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One of them.
    pub fn get(&self, place: usize) -> Option<&Message> {
        self.all.get(place)
    }

    /// All, the oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Message> {
        self.all.iter()
    }

    /// All as text, one a line, for a pager.
    pub fn paged(&self, now: Micros) -> String {
        self.iter()
            .map(|message| format!("{:<4}{:<9}{}\n", message.age(now), word(message.level), message.words()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEVELS: [Level; 3] = [Level::Info, Level::Warning, Level::Error];

    #[test]
    fn what_is_said_again_is_counted() {
        let mut messages = Messages::default();
        messages.keep(1, Level::Info, "Pinned.");
        messages.keep(5, Level::Info, "Pinned.");
        messages.keep(6, Level::Error, "Pinned.");
        assert_eq!(messages.len(), 2);
        let first = messages.get(0).unwrap();
        assert_eq!((first.at, first.words().as_str()), (5, "Pinned. (2 times)"));
    }

    proptest! {
        #[test]
        fn errors_outlast_what_went_on(said in proptest::collection::vec((0usize..3, 0u32..1_000), 0..500)) {
            let mut messages = Messages::default();
            let mut errors = Vec::new();
            for (at, (level, n)) in said.iter().enumerate() {
                // No two are alike.
                let sentence = format!("{at} {n}");
                let before: Vec<Message> = messages.iter().cloned().collect();
                let gone = messages.keep(at as Micros, LEVELS[*level], &sentence);
                if LEVELS[*level] == Level::Error {
                    errors.push(sentence.clone());
                }
                // What is left stands in the order in which it was said, without the one that had to go.
                let mut expected = before;
                if let Some(place) = gone {
                    expected.remove(place);
                }
                let left: Vec<Message> = messages.iter().take(messages.len() - 1).cloned().collect();
                prop_assert_eq!(left, expected);
                prop_assert_eq!(&messages.iter().last().unwrap().text, &sentence);
                prop_assert!(messages.len() <= MOST);
            }
            let kept: Vec<&String> =
                messages.iter().filter(|message| message.level == Level::Error).map(|m| &m.text).collect();
            let expected: Vec<&String> = errors.iter().collect();
            if errors.len() < MOST {
                prop_assert_eq!(kept, expected);
            }
        }
    }

    #[test]
    fn a_message_of_megabytes_takes_little() {
        let mut messages = Messages::default();
        messages.keep(1, Level::Error, &"é".repeat(1_000_000));
        assert!(messages.get(0).unwrap().text.chars().count() <= LONG + 1);
    }
}
