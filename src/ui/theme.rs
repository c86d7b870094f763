//! Themes: a style for each meaning. The only place, with [`super::colour`], that knows colours.
//!
//! A theme file may inherit from another; a meaning that it leaves out keeps the inherited style. A settings file
//! may change single meanings of whatever theme is chosen. What a file says wrongly is a sentence with file and
//! line, never a failure: the rest of it still holds.

use std::collections::HashMap;

use ratatui::style::{Color, Modifier, Style};

use crate::app::Sources;
use crate::app::settings::nearest;
use crate::app::tone::Tone;
use crate::base::located::{self, Entry, Value};

use super::colour::Depth;

/// The themes that come with the workbench.
pub const BUILT_IN: [(&str, &str); 6] = [
    ("terminal", include_str!("../../themes/terminal.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// How many themes may inherit from one another.
const DEPTH: usize = 8;

/// A style for each meaning.
#[derive(Clone, Debug, Default)]
pub struct Theme {
    styles: HashMap<Tone, Style>,
    depth: Depth,
}

impl Theme {
    /// A theme that comes with the workbench, and what is wrong with it.
    pub fn named(name: &str) -> (Self, Vec<String>) {
        Theme::of(name, &Sources::default(), Depth::True)
    }

    /// The theme of this name, changed as the settings say, in the colours that there are.
    pub fn of(name: &str, sources: &Sources, depth: Depth) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut theme = find(name, sources, &mut problems, DEPTH);
        for file in &sources.files {
            // A file that cannot be read is reported by the settings.
            let Ok(all) = located::read(&file.path, &file.text) else { continue };
            theme.take(located::table(located::table(&all, "workbench"), "meanings"), &mut problems);
        }
        for style in theme.styles.values_mut() {
            *style = depth.style(*style);
        }
        theme.depth = depth;
        (theme, problems)
    }

    fn take(&mut self, meanings: &[Entry], problems: &mut Vec<String>) {
        for entry in meanings {
            let Some((tone, _)) = Tone::ALL.iter().find(|(_, known)| *known == entry.key) else {
                let near = nearest(&entry.key, Tone::ALL.iter().map(|(_, name)| *name));
                problems.push(entry.place.says(&format!("there is no meaning {:?}{near}.", entry.key)));
                continue;
            };
            match &entry.value {
                Value::Table(table) => {
                    self.styles.insert(*tone, style(table, problems));
                }
                _ => problems
                    .push(entry.place.says("a meaning is a table like { fg = \"red\", bold = true }.")),
            }
        }
    }

    /// The style of a meaning.
    pub fn style(&self, tone: Tone) -> Style {
        if let Tone::Pixels(upper, lower) = tone {
            let colour = |[r, g, b]: [u8; 3]| Color::Rgb(r, g, b);
            return self.depth.style(Style {
                fg: Some(colour(upper)),
                bg: lower.map(colour),
                ..Style::new()
            });
        }
        self.styles.get(&tone).copied().unwrap_or_default()
    }
}

fn find(name: &str, sources: &Sources, problems: &mut Vec<String>, left: usize) -> Theme {
    let own = sources.themes.iter().find(|file| file.path == name);
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
    let (file, text) = match (own, built_in) {
        (Some(file), _) => (format!("themes/{}.toml", file.path), file.text.as_str()),
        (None, Some((known, text))) => ((*known).to_owned(), *text),
        (None, None) => {
            let known = BUILT_IN.iter().map(|(known, _)| *known);
            let known: Vec<&str> =
                known.chain(sources.themes.iter().map(|file| file.path.as_str())).collect();
            problems.push(format!("There is no theme {name:?}; there are {}.", known.join(", ")));
            return find(BUILT_IN[0].0, &Sources::default(), problems, left);
        }
    };
    let all = match located::read(&file, text) {
        Ok(all) => all,
        Err(why) => {
            problems.push(why);
            return find(BUILT_IN[0].0, &Sources::default(), problems, left);
        }
    };
    let base = located::get(&all, "inherits");
    let mut theme = match base.map(|entry| (entry, &entry.value)) {
        Some((entry, Value::Text(base))) if base == name || left == 0 => {
            problems.push(entry.place.says("themes cannot inherit in a circle."));
            find(BUILT_IN[0].0, &Sources::default(), problems, DEPTH)
        }
        Some((_, Value::Text(base))) => find(base, sources, problems, left - 1),
        Some((entry, _)) => {
            problems.push(entry.place.says("inherits is the name of a theme."));
            Theme::default()
        }
        // Whatever a user's theme leaves out must still be readable.
        None if own.is_some() => find(BUILT_IN[0].0, &Sources::default(), problems, left),
        None => Theme::default(),
    };
    for entry in all.iter().filter(|entry| !["inherits", "meanings"].contains(&entry.key.as_str())) {
        problems.push(entry.place.says(&format!("a theme has inherits and [meanings], no {:?}.", entry.key)));
    }
    theme.take(located::table(&all, "meanings"), problems);
    theme
}

fn style(table: &[Entry], problems: &mut Vec<String>) -> Style {
    let mut out = Style::new();
    for entry in table {
        let modifier = match entry.key.as_str() {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underline" => Modifier::UNDERLINED,
            "reverse" => Modifier::REVERSED,
            "strike" => Modifier::CROSSED_OUT,
            "fg" | "bg" => {
                match colour(&entry.value) {
                    Some(colour) if entry.key == "fg" => out = out.fg(colour),
                    Some(colour) => out = out.bg(colour),
                    None => problems.push(entry.place.says(
                        "a colour is a name of the palette like \"green\", a number up to 255, or \"#rrggbb\".",
                    )),
                }
                continue;
            }
            other => {
                let known = ["fg", "bg", "bold", "dim", "italic", "underline", "reverse", "strike"];
                problems.push(entry.place.says(&format!("no style has {other:?}{}.", nearest(other, known))));
                continue;
            }
        };
        match entry.value {
            Value::Bool(true) => out = out.add_modifier(modifier),
            Value::Bool(false) => {}
            _ => problems.push(entry.place.says(&format!("{} is true or false.", entry.key))),
        }
    }
    out
}

fn colour(value: &Value) -> Option<Color> {
    match value {
        Value::Number(index) => u8::try_from(*index).ok().map(Color::Indexed),
        Value::Text(name) => name.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::SourceFile;

    #[test]
    fn the_built_in_themes_are_whole() {
        assert_eq!(BUILT_IN.map(|(name, _)| name), crate::app::settings::THEMES);
        for (name, _) in BUILT_IN {
            let (theme, problems) = Theme::named(name);
            assert_eq!(problems, Vec::<String>::new(), "{name}");
            for (tone, word) in Tone::ALL {
                assert!(theme.styles.contains_key(&tone), "{name} lacks {word}");
            }
        }
    }

    fn own(text: &str) -> Sources {
        Sources { themes: vec![SourceFile { path: "mine".to_owned(), text: text.to_owned() }], files: vec![] }
    }

    #[test]
    fn mistakes_are_sentences_with_their_place() {
        let sources = own("inherits='dark'\n[meanings]\ngod={}\ngood={fg='gren'}\nbad={fg=3, blink=true}\n");
        let (theme, problems) = Theme::of("mine", &sources, Depth::True);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            problems[0]
                .starts_with("themes/mine.toml:3: there is no meaning \"god\"; did you mean \"good\"?")
        );
        assert_eq!(theme.style(Tone::Bad).fg, Some(Color::Indexed(3)));
        assert_ne!(theme.style(Tone::Warning), Style::default(), "inherited");
    }

    #[test]
    fn circles_and_unknown_names_end_at_the_default() {
        for text in ["inherits = 'mine'\n", "inherits = 'nobody'\n", "inherits = 7\n", "[meanings\n"] {
            let (_, problems) = Theme::of("mine", &own(text), Depth::True);
            assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        }
    }

    #[test]
    fn settings_change_single_meanings() {
        let text = "[workbench.meanings]\ngood = { fg = 'blue' }\n".to_owned();
        let files = vec![SourceFile { path: "a.toml".to_owned(), text }];
        let (theme, problems) = Theme::of("terminal", &Sources { files, themes: vec![] }, Depth::True);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(theme.style(Tone::Good).fg, Some(Color::Blue));
        assert_eq!(theme.style(Tone::Bad).fg, Some(Color::Red));
    }

    #[test]
    fn without_colour_there_is_none() {
        for (name, _) in BUILT_IN {
            let (theme, _) = Theme::of(name, &Sources::default(), Depth::None);
            let none = |style: Style| style.fg.is_none() && style.bg.is_none();
            assert!(Tone::ALL.iter().all(|(tone, _)| none(theme.style(*tone))), "{name}");
        }
    }
}
