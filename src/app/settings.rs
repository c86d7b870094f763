//! How the workbench looks and which keys it has, from the user's file and the project's.
//!
//! Both files have the same tables; the project's comes second and wins. What is left out keeps its default. A
//! mistake is a sentence that names file and line, and never takes anything else with it.

use std::sync::Arc;

use super::command::{self, COMMANDS};
use super::keymap::Keymap;
use super::keys::{self, Key};
use super::msg::{SourceFile, Sources};
use crate::base::located::{self, Entry, Table, Value};

/// The themes that come with the workbench.
pub const THEMES: [&str; 6] = ["terminal", "dark", "light", "high-contrast", "colour-blind", "mono"];

/// The keymaps that come with the workbench, beside the table's own.
const PRESETS: [(&str, &str); 2] = [
    ("emacs", include_str!("../../keymaps/emacs.toml")),
    ("arrows", include_str!("../../keymaps/arrows.toml")),
];

/// How images are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Images {
    /// By the terminal, when it says that it can; else in half cells.
    #[default]
    Auto,
    /// By kitty's graphics protocol.
    Kitty,
    /// As sixels.
    Sixel,
    /// In half cells.
    Blocks,
}

/// The words for that.
const IMAGES: [(&str, Images); 4] =
    [("auto", Images::Auto), ("kitty", Images::Kitty), ("sixel", Images::Sixel), ("blocks", Images::Blocks)];

/// All settings.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Which keys mean what.
    pub keymap: Keymap,
    /// The theme's name; `None`: the default.
    pub theme: Option<String>,
    /// No signs beyond ASCII; `None`: as the environment says.
    pub ascii: Option<bool>,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// How images are drawn.
    pub images: Images,
    /// The files that they were read from, for the theme.
    pub sources: Arc<Sources>,
    /// What is wrong with the files, one sentence each.
    pub problems: Vec<String>,
    /// What is wrong with the theme that is shown.
    pub theme_problems: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            keymap: Keymap::default(),
            theme: None,
            ascii: None,
            mouse: true,
            images: Images::default(),
            sources: Arc::default(),
            problems: Vec::new(),
            theme_problems: Vec::new(),
        }
    }
}

impl Settings {
    /// The names of all themes: those that come with the workbench, then the user's.
    pub fn themes(&self) -> Vec<&str> {
        let own = self.sources.themes.iter().map(|file| file.path.as_str());
        THEMES.into_iter().chain(own.filter(|name| !THEMES.contains(name))).collect()
    }
}

/// Reads the settings.
pub fn read(sources: Sources) -> Settings {
    let mut out = Settings { sources: Arc::new(sources), ..Settings::default() };
    let files = out.sources.files.clone();
    for SourceFile { path, text } in &files {
        match located::read(path, text) {
            Ok(all) => workbench(&mut out, located::table(&all, "workbench")),
            Err(why) => out.problems.push(why),
        }
    }
    for (long, short) in out.keymap.unreachable() {
        let name = |id| command::command(id).map_or("", |command| command.name);
        out.problems.push(format!(
            "The keys {:?} of {} cannot be typed: {:?} is {} already.",
            keys::sequence_name(&long.keys),
            name(long.id),
            keys::sequence_name(&short.keys),
            name(short.id)
        ));
    }
    out
}

fn workbench(out: &mut Settings, table: &[Entry]) {
    for entry in table {
        let wrong = match (entry.key.as_str(), &entry.value) {
            ("theme", Value::Text(name)) => {
                out.theme = Some(name.clone());
                None
            }
            ("glyphs", Value::Text(which)) if which == "ascii" || which == "unicode" => {
                out.ascii = Some(which == "ascii");
                None
            }
            ("glyphs", _) => Some("glyphs is \"unicode\" or \"ascii\".".to_owned()),
            ("mouse", Value::Bool(yes)) => {
                out.mouse = *yes;
                None
            }
            ("mouse", _) => Some("mouse is true or false.".to_owned()),
            ("images", value) => {
                let named = |(name, _): &&(&str, Images)| matches!(value, Value::Text(text) if text == name);
                match IMAGES.iter().find(named) {
                    Some((_, images)) => {
                        out.images = *images;
                        None
                    }
                    None => Some("images is \"auto\", \"kitty\", \"sixel\" or \"blocks\".".to_owned()),
                }
            }
            ("theme", _) => Some("theme is the name of a theme.".to_owned()),
            ("preset", Value::Text(name)) => preset(&mut out.keymap, name),
            ("preset", _) => Some("preset is the name of a keymap.".to_owned()),
            // Read after the preset, wherever it stands.
            ("keys", Value::Table(_)) => None,
            // The theme reads it.
            ("meanings", Value::Table(_)) => None,
            (other, _) => Some(format!(
                "there is no setting {other:?}{}.",
                nearest(other, ["theme", "glyphs", "mouse", "images", "preset", "keys", "meanings"])
            )),
        };
        out.problems.extend(wrong.map(|why| entry.place.says(&why)));
    }
    for entry in table {
        if let ("keys", Value::Table(bindings)) = (entry.key.as_str(), &entry.value) {
            bind(&mut out.keymap, bindings, &mut out.problems);
        }
    }
}

fn preset(keymap: &mut Keymap, name: &str) -> Option<String> {
    if name == "vim" {
        return None;
    }
    let Some((known, text)) = PRESETS.iter().find(|(known, _)| *known == name) else {
        return Some(format!("there is no preset {name:?}; there are vim, emacs and arrows."));
    };
    let mut problems = Vec::new();
    match located::read(known, text) {
        Ok(all) => bind(keymap, &all, &mut problems),
        Err(why) => problems.push(why),
    }
    // A test sees to it that they have none.
    problems.into_iter().next()
}

fn bind(keymap: &mut Keymap, bindings: &Table, problems: &mut Vec<String>) {
    for entry in bindings {
        let Some(command) = command::named(&entry.key) else {
            let near = nearest(&entry.key, COMMANDS.iter().map(|command| command.name));
            problems.push(entry.place.says(&format!("there is no command {:?}{near}", entry.key)));
            continue;
        };
        match sequences(&entry.value) {
            Ok(keys) => keymap.rebind(command.id, keys),
            Err(why) => problems.push(entry.place.says(&why)),
        }
    }
}

fn sequences(value: &Value) -> Result<Vec<Vec<Key>>, String> {
    let one = |text: &String| {
        keys::sequence(text).ok_or_else(|| {
            format!("{text:?} is no key; keys are written like r, R, ctrl-r, f5, space, \"g g\".")
        })
    };
    match value {
        Value::Text(text) => Ok(vec![one(text)?]),
        Value::List(items) => items
            .iter()
            .map(|item| match item {
                Value::Text(text) => one(text),
                _ => Err("a list of keys holds strings.".to_owned()),
            })
            .collect(),
        _ => Err("keys are a string, a list of strings, or an empty list for none.".to_owned()),
    }
}

/// `; did you mean "run"?` when something is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let best = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3));
    best.map(|(_, name)| format!("; did you mean {name:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::command::{CommandId, Scope};
    use crate::app::keymap::Found;

    fn with(texts: &[&str]) -> Settings {
        let files = (1..)
            .zip(texts)
            .map(|(i, text)| SourceFile { path: format!("{i}.toml"), text: (*text).to_owned() });
        read(Sources { files: files.collect(), themes: vec![] })
    }

    fn means(settings: &Settings, text: &str) -> Found {
        settings.keymap.find(&keys::sequence(text).unwrap(), &[Scope::Global])
    }

    #[test]
    fn the_projects_file_wins_and_what_is_left_out_stays() {
        let settings = with(&[
            "[workbench]\ntheme = 'dark'\nglyphs = 'ascii'\n[workbench.keys]\nrun = 'f5'\nquit = []\n",
            "app = 'x'\n[workbench]\ntheme = 'light'\nmouse = false\nimages = 'sixel'\n",
        ]);
        assert_eq!(settings.problems, Vec::<String>::new());
        assert_eq!(settings.theme.as_deref(), Some("light"));
        assert_eq!((settings.ascii, settings.mouse), (Some(true), false));
        assert_eq!(settings.images, Images::Sixel);
        let wrong = with(&["[workbench]\nimages = 'ascii'\n"]).problems;
        assert!(wrong.len() == 1 && wrong[0].contains("kitty"), "{wrong:?}");
        assert_eq!(means(&settings, "f5"), Found::Command(CommandId::Run));
        assert_eq!(means(&settings, "q"), Found::Nothing);
        assert_eq!(means(&settings, "R"), Found::Command(CommandId::Replay));
    }

    #[test]
    fn mistakes_name_their_place_and_spare_the_rest() {
        let settings = with(&[
            "[workbench]\nthem = 'dark'\n[workbench.keys]\nrnu = 'r'\nreplay = 'rr'\nstop = 7\nhelp = 'h'\n",
            "[workbench\n",
        ]);
        let problems = &settings.problems;
        assert_eq!(problems.len(), 5, "{problems:#?}");
        assert!(problems[0].starts_with("1.toml:2: there is no setting \"them\"; did you mean \"theme\"?"));
        assert!(problems[1].starts_with("1.toml:4: there is no command \"rnu\"; did you mean \"run\"?"));
        assert!(problems[2].starts_with("1.toml:5: \"rr\" is no key"));
        assert!(problems[4].starts_with("2.toml:1: "), "{}", problems[4]);
        assert_eq!(means(&settings, "h"), Found::Command(CommandId::Help));
    }

    #[test]
    fn presets_are_without_mistakes() {
        for name in ["vim", "emacs", "arrows"] {
            let settings = with(&[
                &format!("[workbench.keys]\nrun = 'f9'\n[workbench]\npreset = '{name}'\n")
                    .replace("[workbench.keys]\nrun = 'f9'\n", ""),
                "[workbench.keys]\nrun = 'f9'\n",
            ]);
            assert_eq!(settings.problems, Vec::<String>::new(), "{name}");
            assert_eq!(means(&settings, "f9"), Found::Command(CommandId::Run));
        }
        assert_eq!(
            means(&with(&["[workbench]\npreset='emacs'\n"]), "ctrl-n"),
            Found::Command(CommandId::Down)
        );
        assert_eq!(with(&["[workbench]\npreset='wordstar'\n"]).problems.len(), 1);
    }

    #[test]
    fn a_key_that_hides_a_sequence_is_a_problem() {
        let settings = with(&["[workbench.keys]\nrun = 'g'\n"]);
        assert!(
            settings.problems.iter().any(|p| p.contains("\"g\" is run already")),
            "{:?}",
            settings.problems
        );
    }
}
