//! Programs that get the terminal for a while: the editor and the pager.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Splits `code --wait` into words; quotes keep spaces.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut open = false;
    for c in text.chars() {
        match (c, quote) {
            ('"' | '\'', None) => {
                quote = Some(c);
                open = true;
            }
            (_, Some(q)) if q == c => quote = None,
            (c, None) if c.is_whitespace() => {
                if open || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (c, _) => word.push(c),
        }
    }
    if open || !word.is_empty() {
        out.push(word);
    }
    out
}

/// The editor's command for a file at a line.
pub fn editor(var: &dyn Fn(&str) -> Option<String>, file: &Path, line: Option<u32>) -> Vec<OsString> {
    let set = |name: &str| var(name).filter(|value| !value.trim().is_empty());
    let command = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut out: Vec<OsString> = words(&command).into_iter().map(OsString::from).collect();
    let program = out.first().map(Path::new).and_then(Path::file_stem).unwrap_or_default();
    let program = program.to_string_lossy().into_owned();
    let Some(line) = line else {
        out.push(file.into());
        return out;
    };
    let mut at = file.as_os_str().to_owned();
    at.push(format!(":{line}"));
    match program.as_str() {
        "code" | "codium" | "cursor" | "windsurf" => out.extend(["--goto".into(), at]),
        "hx" | "helix" | "zed" | "subl" | "micro" => out.push(at),
        // vi and its kin, nano, emacs, kakoune, joe, less.
        _ => out.extend([format!("+{line}").into(), file.into()]),
    }
    out
}

/// The pager's command for a file.
pub fn pager(var: &dyn Fn(&str) -> Option<String>, file: &Path) -> Vec<OsString> {
    let command = var("PAGER").filter(|value| !value.trim().is_empty()).unwrap_or_else(|| "less".to_owned());
    let mut out: Vec<OsString> = words(&command).into_iter().map(OsString::from).collect();
    out.push(file.into());
    out
}

/// The command that opens a file with the program that the desktop has for it: `$TL_BENCH_OPEN`, else the system's own.
pub fn opener(var: &dyn Fn(&str) -> Option<String>, file: &Path) -> Vec<OsString> {
    let usual = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let command = var("TL_BENCH_OPEN").filter(|value| !value.trim().is_empty());
    let mut out: Vec<OsString> =
        words(&command.unwrap_or_else(|| usual.to_owned())).into_iter().map(OsString::from).collect();
    out.push(file.into());
    out
}

/// Starts a command that has nothing to do with our terminal: it reads nothing, what it says goes nowhere, and our
/// keys do not reach it.
pub fn detach(command: &[OsString]) -> Result<Child, String> {
    use std::os::unix::process::CommandExt;
    let Some((program, args)) = command.split_first() else { return Err("the command is empty".to_owned()) };
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|why| format!("{} cannot be started: {why}", program.to_string_lossy()))
}

/// Runs a command on our terminal and waits for it.
pub fn run(command: &[OsString]) -> Result<ExitStatus, String> {
    let Some((program, args)) = command.split_first() else { return Err("the command is empty".to_owned()) };
    Command::new(program)
        .args(args)
        .status()
        .map_err(|why| format!("{} cannot be started: {why}", program.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_editor(editor_is: &str) -> Vec<String> {
        let var = |name: &str| (name == "EDITOR").then(|| editor_is.to_owned());
        let out = editor(&var, Path::new("/p/a b.py"), Some(7));
        out.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn editors_are_told_the_line_as_they_understand_it() {
        assert_eq!(for_editor("vim"), ["vim", "+7", "/p/a b.py"]);
        assert_eq!(for_editor("code --wait"), ["code", "--wait", "--goto", "/p/a b.py:7"]);
        assert_eq!(for_editor("/usr/bin/hx"), ["/usr/bin/hx", "/p/a b.py:7"]);
        assert_eq!(for_editor("'/my tools/ed' -x \"\""), ["/my tools/ed", "-x", "", "+7", "/p/a b.py"]);
        assert_eq!(for_editor("  "), ["vi", "+7", "/p/a b.py"]);
    }

    #[test]
    fn files_are_opened_by_what_the_environment_names() {
        let open = |value: &'static str| {
            let var = move |name: &str| (name == "TL_BENCH_OPEN").then(|| value.to_owned());
            opener(&var, Path::new("/t/a b.png"))
        };
        assert_eq!(open("feh '-F x'"), ["feh", "-F x", "/t/a b.png"]);
        assert!(open(" ")[0].to_string_lossy().ends_with("open"));
        assert!(
            detach(&["/nowhere/viewer".into()]).unwrap_err().starts_with("/nowhere/viewer cannot be started")
        );
        assert!(detach(&["true".into()]).unwrap().wait().unwrap().success());
    }

    #[test]
    fn a_program_that_is_missing_is_a_sentence() {
        assert!(
            run(&["/nowhere/editor".into()]).unwrap_err().starts_with("/nowhere/editor cannot be started")
        );
        assert!(run(&[]).is_err());
    }
}
