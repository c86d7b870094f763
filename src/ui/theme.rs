//! Themes: a style for each meaning. The only place that knows colours.
//!
//! A theme file may inherit from another; a meaning that it leaves out keeps the inherited style. What a file
//! says wrongly is a warning, never a failure: the rest of it still holds.

use std::collections::HashMap;

use ratatui::style::{Color, Modifier, Style};

use crate::app::tone::Tone;

/// The themes that come with the workbench.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("terminal", include_str!("../../themes/terminal.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// A style for each meaning.
#[derive(Clone, Debug, Default)]
pub struct Theme {
    styles: HashMap<Tone, Style>,
}

impl Theme {
    /// A theme that comes with the workbench, and what is wrong with it.
    pub fn named(name: &str) -> (Self, Vec<String>) {
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, source)) => Theme::read(source),
            None => {
                let known: Vec<&str> = BUILT_IN.iter().map(|(known, _)| *known).collect();
                let (theme, mut warnings) = Theme::named("terminal");
                warnings.push(format!("There is no theme {name:?}; there are {}.", known.join(", ")));
                (theme, warnings)
            }
        }
    }

    /// Reads a theme file.
    pub fn read(source: &str) -> (Self, Vec<String>) {
        let table: toml::Table = match source.parse() {
            Ok(table) => table,
            Err(why) => return (Theme::default(), vec![format!("The theme cannot be read: {why}")]),
        };
        let (mut theme, mut warnings) = match table.get("inherits").and_then(toml::Value::as_str) {
            // Only built-in themes are inherited from, and none of them goes in a circle.
            Some(name) => Theme::named(name),
            None => (Theme::default(), Vec::new()),
        };
        let Some(meanings) = table.get("meanings").and_then(toml::Value::as_table) else {
            warnings.push("The theme has no [meanings].".to_owned());
            return (theme, warnings);
        };
        for (name, value) in meanings {
            let Some((tone, _)) = Tone::ALL.iter().find(|(_, known)| known == name) else {
                warnings.push(format!("The theme names the unknown meaning {name:?}."));
                continue;
            };
            let style = value.as_table().map(|table| style(table, &mut warnings));
            theme.styles.insert(*tone, style.unwrap_or_default());
        }
        (theme, warnings)
    }

    /// The style of a meaning.
    pub fn style(&self, tone: Tone) -> Style {
        self.styles.get(&tone).copied().unwrap_or_default()
    }
}

fn style(table: &toml::Table, warnings: &mut Vec<String>) -> Style {
    let mut out = Style::new();
    for (name, value) in table {
        let modifier = match name.as_str() {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underline" => Modifier::UNDERLINED,
            "reverse" => Modifier::REVERSED,
            "strike" => Modifier::CROSSED_OUT,
            "fg" | "bg" => {
                match colour(value) {
                    Some(colour) if name == "fg" => out = out.fg(colour),
                    Some(colour) => out = out.bg(colour),
                    None => warnings.push(format!("The theme has the unknown colour {value}.")),
                }
                continue;
            }
            _ => {
                warnings.push(format!("The theme has the unknown attribute {name:?}."));
                continue;
            }
        };
        if value.as_bool() == Some(true) {
            out = out.add_modifier(modifier);
        }
    }
    out
}

fn colour(value: &toml::Value) -> Option<Color> {
    if let Some(index) = value.as_integer() {
        return u8::try_from(index).ok().map(Color::Indexed);
    }
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_themes_are_whole() {
        for (name, _) in BUILT_IN {
            let (theme, warnings) = Theme::named(name);
            assert_eq!(warnings, Vec::<String>::new(), "{name}");
            for (tone, word) in Tone::ALL {
                assert!(theme.styles.contains_key(&tone), "{name} lacks {word}");
            }
        }
    }

    #[test]
    fn mistakes_are_warnings() {
        let (theme, warnings) =
            Theme::read("inherits='terminal'\n[meanings]\ngod={}\ngood={fg='gren'}\nbad={fg=3, blink=true}");
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert_eq!(theme.style(Tone::Bad).fg, Some(Color::Indexed(3)));
    }

    #[test]
    fn without_colour_there_is_none() {
        let (theme, _) = Theme::named("mono");
        assert!(Tone::ALL.iter().all(|(tone, _)| theme.style(*tone).fg.is_none()));
    }
}
