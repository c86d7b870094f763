//! The page of all commands, `docs/keys.md`, made of the table.

use super::command::{COMMANDS, PREFIXES, Scope};
use super::keymap::Keymap;

/// The page. A test compares it with the file.
pub fn markdown() -> String {
    let keymap = Keymap::default();
    let mut out = String::from(
        "# Keys of the workbench\n\nMade of the table of commands; `?` shows the same in the workbench, with the keys \
         that are in force. The names are\nthose that `[workbench.keys]` takes (see [workbench.md](workbench.md)). A \
         command without keys is found in the palette, `:`.\n",
    );
    for scope in Scope::ALL {
        let mut commands = COMMANDS.iter().filter(|command| command.scope == scope).peekable();
        if commands.peek().is_none() {
            continue;
        }
        out.push_str(&format!(
            "\n## {}\n\n| keys | command | what it does |\n|---|---|---|\n",
            scope.title()
        ));
        for command in commands {
            let keys: Vec<String> = keymap
                .keys(command.id)
                .map(|keys| format!("`{}`", super::keys::sequence_name(keys)))
                .collect();
            out.push_str(&format!("| {} | `{}` | {} |\n", keys.join(" "), command.name, command.doc));
        }
    }
    let prefixes: Vec<String> = PREFIXES.iter().map(|(key, name)| format!("`{key}` ({name})")).collect();
    out.push_str(&format!(
        "\nKeys that begin a sequence: {}. After one of them the keys that may follow are shown.\n",
        prefixes.join(", ")
    ));
    out
}
