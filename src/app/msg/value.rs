//! What is asked of a value, what comes of it, and what is done with its bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::tone::Line;
use crate::model::Usage;

use super::Effect;

/// Which part of a value is looked at, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    /// As a tree, whatever else it could be shown as.
    pub plain: bool,
    /// What was folded and unfolded by hand, by the positions that lead there.
    pub folds: BTreeMap<Vec<u64>, bool>,
    /// Most rows.
    pub rows: usize,
}

impl Ask {
    /// Rows that are read at once.
    pub const PAGE: usize = 1_000;
}

impl Default for Ask {
    fn default() -> Self {
        Ask { plain: false, folds: BTreeMap::new(), rows: Ask::PAGE }
    }
}

/// A row of a value, unsanitised and of any length.
#[derive(Clone, PartialEq, Debug)]
pub enum ValueRow {
    /// A place in a tree.
    Node {
        /// The positions that lead there; empty for the root.
        path: Vec<u64>,
        /// What it is called in its parent.
        key: Option<String>,
        /// What it is: `dict[3]`, `str 1.2 kB`.
        kind: String,
        /// It, or a glance at it, in one line; empty when it is unfolded.
        text: String,
        /// Whether it can be unfolded.
        foldable: bool,
        /// Whether it is.
        open: bool,
        /// Whether it is a string, of which more may be shown than one line.
        is_text: bool,
        /// The end of a file's name that fits it.
        extension: &'static str,
    },
    /// A line of text.
    Text {
        /// The line.
        text: String,
        /// Whether it may have marks of markdown.
        markdown: bool,
    },
    /// A line with colours of its own.
    Styled(Line),
    /// A turn of a conversation begins.
    Turn {
        /// Who speaks.
        role: String,
        /// The speaker's or the tool's name.
        name: Option<String>,
        /// What else is known of it.
        note: Option<String>,
    },
    /// A tool is called.
    Tool {
        /// The tool.
        name: String,
        /// Its arguments.
        text: String,
        /// Its id.
        note: Option<String>,
    },
    /// Something about the value.
    Fact(String),
    /// A file that the value carries: an image, a document.
    File {
        /// What it is.
        words: String,
        /// How many of these stand before it.
        nth: usize,
        /// The end of its name.
        extension: &'static str,
        /// What it looks like, when it is an image that can be shown.
        picture: Option<Arc<Picture>>,
    },
    /// A row of a table.
    Cells {
        /// What stands in its columns.
        cells: Vec<String>,
        /// Whether these are the columns' names.
        heading: bool,
    },
    /// Some bytes.
    Dump {
        /// Offset of the first.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// What is shown of a value.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ValueView {
    /// The rows.
    pub rows: Vec<ValueRow>,
    /// What it is shown as: `tree`, `conversation`, `table` …
    pub look: String,
    /// Whether it can be shown in another way.
    pub has_other: bool,
    /// What was left out, as a few words.
    pub cut: Option<String>,
    /// The end of a file's name that fits it.
    pub extension: &'static str,
    /// What its response says about itself, when it is one of a model.
    pub answer: Option<AnswerHead>,
}

/// A small picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// The pixels, row by row from the top: red, green, blue.
    pub pixels: Vec<[u8; 3]>,
}

/// A part of a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Piece {
    /// All of it.
    Whole,
    /// What these positions lead to.
    At(Vec<u64>),
    /// The file with this number among those that come up when this is asked for.
    File(Box<Ask>, usize),
}

/// The head of a model's response.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AnswerHead {
    /// The model that answered.
    pub model: Option<String>,
    /// Why it ended.
    pub finish: Option<String>,
    /// What it says to have used.
    pub tokens: Option<Tokens>,
    /// Pieces of a stream that it was put together of.
    pub pieces: Option<u64>,
}

/// Tokens by kind; input holds the cached and the written ones, output the reasoning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tokens {
    /// Input.
    pub input: u64,
    /// Of it read from the provider's cache.
    pub cached: u64,
    /// Of it written into the provider's cache.
    pub written: u64,
    /// Output.
    pub output: u64,
    /// Of it reasoning.
    pub reasoning: u64,
}

impl Tokens {
    /// Of what a call used.
    pub fn of(usage: &Usage) -> Self {
        Tokens {
            input: usage.input,
            cached: usage.cached_input,
            written: usage.cache_written,
            output: usage.output,
            reasoning: usage.reasoning,
        }
    }

    /// `in 1102 (1000 cached)   out 98 (12 reasoning)`.
    pub fn words(&self) -> String {
        let side = |name: &str, all: u64, kinds: &[(u64, &str)]| {
            let kinds: Vec<String> =
                kinds.iter().filter(|(n, _)| *n > 0).map(|(n, kind)| format!("{n} {kind}")).collect();
            let of = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
            format!("{name} {all}{of}")
        };
        let input = side("in", self.input, &[(self.cached, "cached"), (self.written, "written")]);
        format!("{input}   {}", side("out", self.output, &[(self.reasoning, "reasoning")]))
    }
}

/// The bytes of a value or of a file in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payload {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The end of a file's name that fits them.
    pub extension: &'static str,
}

/// What is done with the bytes of a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Purpose {
    /// They are copied.
    Copy {
        /// What they are, for the sentence about it.
        what: String,
    },
    /// They are shown in the pager.
    Page,
    /// They are opened by another program.
    Open {
        /// What the file is called, without its end.
        name: String,
    },
    /// They are written into a file that does not exist yet.
    Save {
        /// The file, relative to where the workbench was started.
        file: String,
    },
}

impl Purpose {
    /// Whether a file inside the value is meant, when there is one, not the value as it is written.
    pub fn wants_file(&self) -> bool {
        matches!(self, Purpose::Open { .. } | Purpose::Save { .. })
    }

    /// The effect that does it.
    pub fn effect(self, payload: Payload) -> Effect {
        let Payload { bytes, extension } = payload;
        match self {
            Purpose::Copy { what } => Effect::CopyBytes { what, bytes, extension },
            Purpose::Page => Effect::Page { bytes },
            Purpose::Open { name } => Effect::Open { file: format!("{name}.{extension}"), bytes },
            Purpose::Save { file } => Effect::SaveFile { file, bytes },
        }
    }
}
