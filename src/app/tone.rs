//! Meanings that text can have. A theme gives each a style; nothing above the theme names a colour.

/// What a piece of text means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tone {
    /// Ordinary text.
    Text,
    /// Less important: what was served, previews of inputs.
    Quiet,
    /// Barely there: pending, hints, separators of words.
    Faint,
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
    /// Needs a look.
    Warning,
    /// Happens now.
    Active,
    /// Changed by hand.
    Marked,
    /// The one accent: what has the focus.
    Focus,
    /// Headings and names that lead.
    Title,
    /// A key that can be pressed.
    Key,
    /// Lines between panes.
    Rule,
    /// The selected row of the pane that has the focus.
    Selected,
    /// The selected row of another pane.
    SelectedElsewhere,
    /// Words of a programming language.
    CodeKeyword,
    /// Strings in source.
    CodeString,
    /// Numbers in source.
    CodeNumber,
    /// Comments in source.
    CodeComment,
    /// What source defines.
    CodeName,
    /// Two pixels of a picture, one above the other: the sign's colour and what is behind it. No theme says them.
    Pixels([u8; 3], Option<[u8; 3]>),
}

impl Tone {
    /// Every meaning with the name that theme files use.
    pub const ALL: [(Tone, &'static str); 19] = [
        (Tone::Text, "text"),
        (Tone::Quiet, "quiet"),
        (Tone::Faint, "faint"),
        (Tone::Good, "good"),
        (Tone::Bad, "bad"),
        (Tone::Warning, "warning"),
        (Tone::Active, "active"),
        (Tone::Marked, "marked"),
        (Tone::Focus, "focus"),
        (Tone::Title, "title"),
        (Tone::Key, "key"),
        (Tone::Rule, "rule"),
        (Tone::Selected, "selected"),
        (Tone::SelectedElsewhere, "selected-elsewhere"),
        (Tone::CodeKeyword, "code-keyword"),
        (Tone::CodeString, "code-string"),
        (Tone::CodeNumber, "code-number"),
        (Tone::CodeComment, "code-comment"),
        (Tone::CodeName, "code-name"),
    ];
}

/// A line made of pieces with meanings.
pub type Line = Vec<(Tone, String)>;
