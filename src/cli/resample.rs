//! `tl-bench resample RUN CALL`: executes one recorded call several times and shows what came of it.

use super::args::ResampleArgs;
use super::context::{Context, plain_value, replayed_application};
use super::error::{CliError, Exit};
use super::output::Tone;
use super::signals::Interrupts;
use super::tabs::{self, samples};
use super::{launch, view};
use crate::base::ids::CallNo;
use crate::base::text;
use crate::engine::explain::records::StoreRecords;
use crate::engine::{Effects, Ending, RunSpec};
use crate::model::{RunHistory, path};
use crate::store::Store;

/// `tl-bench resample RUN CALL`.
pub fn run(context: &Context, args: &ResampleArgs) -> Result<Exit, CliError> {
    if args.list {
        let store = context.existing_store()?;
        let run = context.history(&store, &store.find_run(&args.run)?)?;
        let no = context.call(&run, &args.call)?;
        return show(context, &store, &run, no, args).map(|()| Exit::Success);
    }
    let store = launch::replay_store(context)?;
    let run = context.history(&store, &store.find_run(&args.run)?)?;
    let no = context.call(&run, &args.call)?;
    let app = replayed_application(context, &run)?;
    let spec = RunSpec {
        parent: Some(run.id.clone()),
        effects: if args.effects.is_some() { Effects::Rerun } else { Effects::Fail },
        samples: Some((no, args.count)),
        ..context.run_spec(&app, plain_value(&store, run.input.as_ref())?, &args.engine)?
    };
    let silent = super::args::OutputArgs { quiet: args.json.json, ..Default::default() };
    let out = context.out;
    let interrupts = Interrupts::hear();
    let (id, came, ending) = launch::follow(context, None, &store, spec, &silent, |handle| {
        interrupts.stop(handle.commands(), out)
    })?;
    match ending {
        Ending::NotLoaded(error) => Err(launch::not_loaded(&came.why(error))),
        Ending::StoreFailed(text) => Err(launch::not_recorded(&text)),
        Ending::Recorded { error, .. } => {
            let made = context.history(&store, &id)?;
            out.note(&view::run_sentence(&made, &|tone, text| out.paint_note(tone, text)));
            if let Some(error) = &error {
                out.note(&out.paint_note(Tone::Bad, &text::line(&error.headline())));
            }
            show(context, &store, &run, no, args)?;
            Ok(if error.is_none() { Exit::Success } else { Exit::Failed })
        }
    }
}

fn show(
    context: &Context,
    store: &Store,
    run: &RunHistory,
    no: CallNo,
    args: &ResampleArgs,
) -> Result<(), CliError> {
    let found = store.samples(run, no)?;
    let records = StoreRecords(store);
    if args.json.json {
        context.out.json(&samples::document(&found, &path::path(run, no), &records));
        return Ok(());
    }
    tabs::print(context.out, &samples::view(&found, &records));
    if found.all.iter().any(|sample| !sample.recorded && sample.output.is_some()) {
        let place = text::line(&path::path(run, no));
        let hint =
            format!("tl-bench replay {} --take '{place}=sample:1' forks with what it gave", run.id.short());
        context.out.note(&context.out.paint_note(Tone::Quiet, &hint));
    }
    Ok(())
}
