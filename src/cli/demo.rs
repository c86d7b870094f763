//! `tl-bench demo`: an example workspace in a folder of its own, run and replayed.

use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};

use super::args::{DemoArgs, EngineArgs, InputArgs, ModeArg, OutputArgs, ReplayArgs, RunArgs};
use super::context::Context;
use super::error::{CliError, Exit};
use super::launch;
use super::output::{Out, Tone};
use crate::base::text;
use crate::engine::project::Project;

static WORKSPACES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/workspaces");

/// The example that is taken when none is named.
const FIRST: &str = "research-agent";

fn names() -> Vec<String> {
    WORKSPACES.dirs().map(|dir| dir.path().display().to_string()).collect()
}

/// Copies an example and runs it: in the workbench on a terminal, headless without.
pub fn run(out: Out, args: &DemoArgs) -> Result<Exit, CliError> {
    if args.name.as_deref() == Some("list") {
        for name in names() {
            out.line(&name);
        }
        return Ok(Exit::Success);
    }
    let name = args.name.as_deref().unwrap_or(FIRST);
    let Some(source) = WORKSPACES.get_dir(name) else {
        let all = names();
        let near = crate::engine::suggest::nearest(name, all.iter().map(String::as_str));
        return Err(CliError::usage(format!("no example '{name}'{near}"))
            .hint(format!("there are {}", all.join(", "))));
    };
    let folder = match &args.to {
        Some(dir) if dir.exists() && std::fs::read_dir(dir).is_ok_and(|mut d| d.next().is_some()) => {
            return Err(
                CliError::usage(format!("{} is not empty", dir.display())).hint("give --to a new folder")
            );
        }
        Some(dir) => dir.clone(),
        None => tempfile::Builder::new().prefix("tl-bench-demo-").tempdir()?.keep().join(name),
    };
    copy(source, name, &folder)?;
    let context = Context { project: Project::find(&folder)?, out };
    if !args.headless && super::workbench::possible(out) {
        return super::workbench::demo(context);
    }
    headless(&context, &folder)
}

fn copy(source: &Dir<'_>, name: &str, folder: &Path) -> Result<(), CliError> {
    std::fs::create_dir_all(folder)?;
    for entry in source.entries() {
        let inner = entry.path().strip_prefix(name).unwrap_or(entry.path());
        let base = inner.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if base.starts_with('.') || base == "__pycache__" {
            continue;
        }
        let target: PathBuf = folder.join(&base);
        match entry {
            DirEntry::Dir(dir) => copy(dir, &dir.path().display().to_string(), &target)?,
            DirEntry::File(file) => {
                std::fs::write(&target, file.contents())?;
                if base.ends_with(".sh") {
                    use std::os::unix::fs::PermissionsExt;
                    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o755))?;
                }
            }
        }
    }
    Ok(())
}

fn headless(context: &Context, folder: &Path) -> Result<Exit, CliError> {
    let out = context.out;
    let say = |text: &str| out.note(&out.paint_note(Tone::Strong, text));
    let input = InputArgs::default();
    let output = OutputArgs::default();
    say(&format!("$ cd {}", text::line(&folder.display().to_string())));
    say("$ tl-bench run");
    let run = RunArgs {
        app: None,
        input: input.clone(),
        mode: ModeArg::Fresh,
        engine: EngineArgs::default(),
        output: output.clone(),
    };
    launch::run(context, &run)?;
    out.note("");
    say("$ tl-bench replay");
    let replay = ReplayArgs {
        run: "latest".to_owned(),
        mode: ModeArg::Adaptive,
        input,
        from: None,
        any_type: false,
        plan: false,
        set: Vec::new(),
        set_input: Vec::new(),
        take: Vec::new(),
        in_doubt: "rerun".to_owned(),
        effects: None,
        engine: EngineArgs::default(),
        output,
    };
    let exit = launch::replay(context, &replay)?;
    out.note("");
    say("$ tl-bench show");
    let show = super::args::ShowArgs {
        run: "latest".to_owned(),
        call: None,
        filter: None,
        lens: false,
        as_of: None,
        save: None,
        input: false,
        at: None,
        json: Default::default(),
    };
    super::show::run(context, &show)?;
    Ok(exit)
}
