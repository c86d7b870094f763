//! `tl-bench accept`: changes of code that the user declares harmless.

use serde_json::{Value, json};

use super::args::AcceptArgs;
use super::context::{Context, replayed_application};
use super::error::{CliError, Exit};
use super::output::Tone;
use crate::base::clock::{Clock, SystemClock};
use crate::base::text;
use crate::engine::changed::{self, Changed, Changes, Cost};
use crate::engine::explain::records::StoreRecords;
use crate::engine::explain::{DefinitionChange, Records, code};
use crate::engine::suggest;
use crate::engine::today::Today;
use crate::model::{Accepted, RunHistory, Standing};
use crate::store::{Change, Store};

/// Accepts, lists or revokes.
pub fn run(context: &Context, args: &AcceptArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    if args.list {
        return list(context, &store, args.json.json);
    }
    if let Some(id) = args.revoke {
        return revoke(context, &store, id, args.json.json);
    }
    accept(context, &store, args)
}

/// A change that is accepted, with the definitions that it consists of.
struct One {
    changed: Changed,
    definitions: Vec<DefinitionChange>,
    accepted: Option<Accepted>,
}

fn accept(context: &Context, store: &Store, args: &AcceptArgs) -> Result<Exit, CliError> {
    let run = context.history(store, &store.find_run(&args.run)?)?;
    let log = store.accepted()?;
    if let Some(damage) = &log.damage {
        context.out.note(&format!("{damage}: what was accepted before that counts no more"));
    }
    let app = replayed_application(context, &run)?;
    let mut today = Today::new(&context.project, &app.file);
    let changes = changed::since(&run, &mut today, &Standing::new(&log.declarations));
    let chosen = choose(&run, changes, &args.function)?;
    let mut all: Vec<One> = chosen
        .into_iter()
        .map(|changed| One {
            definitions: definitions(store, &run, &mut today, &changed),
            changed,
            accepted: None,
        })
        .collect();
    if !args.dry_run {
        let wanted: Vec<Change> = all
            .iter()
            .map(|one| Change {
                function: one.changed.function.clone(),
                old: one.changed.old,
                new: one.changed.new,
            })
            .collect();
        let made = store.accept(&wanted, args.note.as_deref())?;
        for (one, accepted) in all.iter_mut().zip(made) {
            one.accepted = Some(accepted);
        }
    }
    if args.json.json {
        let accepted: Vec<Value> = all.iter().map(|one| one_json(one, args.note.as_deref())).collect();
        context.out.json(&json!({"run": run.id, "dry_run": args.dry_run, "accepted": accepted}));
        return Ok(Exit::Success);
    }
    print(context, &run, &all);
    Ok(Exit::Success)
}

/// What is accepted of what changed; functions that cannot be judged are an error when they were asked for, or when
/// nothing else is there.
fn choose(run: &RunHistory, changes: Changes, wanted: &[String]) -> Result<Vec<Changed>, CliError> {
    for name in wanted {
        if !run.calls.iter().any(|call| call.is_call() && call.function == *name) {
            let near = suggest::nearest(name, run.calls.iter().map(|call| call.function.as_str()));
            return Err(CliError::usage(format!("run {} has no call of '{name}'{near}", run.id)));
        }
    }
    let asked = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    if let Some((name, why)) = changes.unknown.iter().find(|(name, _)| asked(name)) {
        let defined = !matches!(why, crate::engine::today::Unknown::Undefined(_));
        if defined || wanted.contains(name) {
            return Err(CliError::usage(format!("the change of '{name}' cannot be accepted: {why}")));
        }
    }
    Ok(changes.changed.into_iter().filter(|one| asked(&one.function)).collect())
}

fn definitions(store: &Store, run: &RunHistory, today: &mut Today, one: &Changed) -> Vec<DefinitionChange> {
    let old =
        run.code(&one.function, &one.old).and_then(|known| StoreRecords(store).closure(known).ok().flatten());
    match (old, today.closure(&one.function)) {
        (Some(old), Ok(new)) => code::changes(&old, &new),
        _ => Vec::new(),
    }
}

fn print(context: &Context, run: &RunHistory, all: &[One]) {
    let out = context.out;
    if all.is_empty() {
        out.note(&format!("nothing to accept: no code changed since run {}", run.id));
        return;
    }
    for one in all {
        let function = text::line(&one.changed.function);
        let number = one.accepted.as_ref().map(|accepted| format!("#{} ", accepted.id)).unwrap_or_default();
        out.line(&format!(
            "{}{}  {}",
            out.paint(Tone::Strong, &number),
            out.paint(Tone::Strong, &function),
            out.paint(Tone::Quiet, &format!("spares {}", cost_words(&one.changed.cost)))
        ));
        for change in &one.definitions {
            let place = format!("{}:{}", change.file, change.line);
            let way = change.chain.join(" → ");
            out.line(&format!("  {}  {}", text::line(&place), out.paint(Tone::Quiet, &text::line(&way))));
        }
    }
    let total = all.iter().fold(Cost::default(), |sum, one| Cost {
        calls: sum.calls + one.changed.cost.calls,
        tokens: sum.tokens + one.changed.cost.tokens,
        cost_usd: sum.cost_usd + one.changed.cost.cost_usd,
        seconds: sum.seconds + one.changed.cost.seconds,
    });
    let ids: Vec<String> =
        all.iter().filter_map(|one| one.accepted.as_ref()).map(|one| one.id.to_string()).collect();
    if ids.is_empty() {
        out.note(&format!("nothing was accepted; without --dry-run this spares {}", cost_words(&total)));
    } else {
        out.note(&format!(
            "results of run {} that the old code made are served again: {}; take it back with `tl-bench accept --revoke {}`",
            run.id,
            cost_words(&total),
            ids.join("`, `tl-bench accept --revoke ")
        ));
    }
}

fn cost_words(cost: &Cost) -> String {
    let mut words = vec![text::count(cost.calls, "call")];
    if cost.tokens > 0 {
        words.push(text::count(cost.tokens, "token"));
    }
    if cost.cost_usd > 0.0 {
        words.push(text::dollars(cost.cost_usd));
    }
    words.push(text::duration((cost.seconds * 1e6) as i64));
    words.join(", ")
}

fn one_json(one: &One, note: Option<&str>) -> Value {
    let changed = &one.changed;
    json!({
        "id": one.accepted.as_ref().map(|accepted| accepted.id),
        "function": changed.function,
        "old": changed.old,
        "new": changed.new,
        "note": one.accepted.as_ref().map_or(note, |accepted| accepted.note.as_deref()),
        "definitions": one.definitions,
        "spares": changed.cost,
    })
}

fn list(context: &Context, store: &Store, as_json: bool) -> Result<Exit, CliError> {
    let log = store.accepted()?;
    if as_json {
        context.out.json(&json!({"accepted": log.declarations, "damaged": log.damage}));
    } else {
        let now = SystemClock.now();
        for one in &log.declarations {
            context.out.line(&one_line(context, one, now));
        }
        if log.declarations.is_empty() {
            context.out.note("nothing was accepted");
        }
    }
    match log.damage {
        Some(damage) => {
            Err(CliError::new(Exit::Store, format!("{damage}: what was accepted before that counts no more"))
                .hint("accept the changes again that shall count"))
        }
        None => Ok(Exit::Success),
    }
}

fn one_line(context: &Context, one: &Accepted, now: i64) -> String {
    let out = context.out;
    let codes = format!("{} → {}", &one.old.hex()[..8], &one.new.hex()[..8]);
    let revoked = match one.revoked.map(|at| text::age(now - at)) {
        Some(age) if age == "now" => "  revoked just now".to_owned(),
        Some(age) => format!("  revoked {age} ago"),
        None => String::new(),
    };
    let note = one.note.as_deref().map(|note| format!("  {}", text::line(note))).unwrap_or_default();
    format!(
        "{:<4} {:>5}  {:<24} {}{note}{}",
        format!("#{}", one.id),
        text::age(now - one.at),
        text::fit(&text::line(&one.function), 24),
        out.paint(Tone::Quiet, &codes),
        out.paint(Tone::Warn, &revoked),
    )
}

fn revoke(context: &Context, store: &Store, id: i64, as_json: bool) -> Result<Exit, CliError> {
    match store.revoke(id)? {
        Some(one) if as_json => {
            context.out.json(&json!(one));
            Ok(Exit::Success)
        }
        Some(one) => {
            context.out.note(&format!(
                "#{id} is taken back: what the old code of {} made is not served any more",
                text::line(&one.function)
            ));
            Ok(Exit::Success)
        }
        None => Err(CliError::usage(format!("there is no accepted change #{id} that could be taken back"))
            .hint("`tl-bench accept --list` lists them")),
    }
}
