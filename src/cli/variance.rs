//! `tl-bench variance RUN CALL`: how much the answers to one question differ, over runs and samples.

use serde_json::json;

use super::args::VarianceArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use crate::base::ids::call_id;
use crate::base::text;
use crate::diff::value::Spread;
use crate::engine::explain::noise::{Answer, Answers};
use crate::model::path;

/// Groups of equal answers that are shown.
const SHOWN: usize = 8;

/// `tl-bench variance RUN CALL`.
pub fn run(context: &Context, args: &VarianceArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let run = context.history(&store, &store.find_run(&args.run)?)?;
    let no = context.call(&run, &args.call)?;
    let Some(call) = run.call(no).filter(|call| call.is_call()) else {
        return Err(CliError::usage("a map or a reduce has no answer of its own: name one of its calls"));
    };
    let answers: Vec<Answer> = Answers::new(&store).of(&run, call);
    let texts: Vec<String> = answers.iter().map(|answer| answer.text.clone()).collect();
    let spread = Spread::of(&texts);
    let place = path::path(&run, no);
    if args.json.json {
        let group = |cluster: &Vec<usize>| {
            let of = |at: &usize| json!({"run": answers[*at].at.run, "call": call_id(&answers[*at].at.run, answers[*at].at.call)});
            json!({
                "answers": cluster.len(),
                "text": cluster.first().map(|at| &texts[*at]),
                "calls": cluster.iter().map(of).collect::<Vec<_>>(),
            })
        };
        context.out.json(&json!({
            "path": place,
            "function": call.function,
            "answers": spread.answers,
            "agreement": spread.agreement(),
            "clusters": spread.clusters.iter().map(group).collect::<Vec<_>>(),
            "distance": {"median": spread.median(), "most": spread.radius(), "pairs": spread.distances},
        }));
        return Ok(Exit::Success);
    }
    let out = context.out;
    let percent = |part: f64| format!("{:.0} %", part * 100.0);
    out.line(&format!(
        "{}  executed {}, {}",
        out.paint(Tone::Strong, &text::line(&place)),
        text::count(spread.answers as u64, "time"),
        match spread.clusters.len() {
            n @ 2.. => format!("{n} different answers"),
            n => text::count(n as u64, "answer"),
        }
    ));
    if spread.answers < 2 {
        out.note("there is nothing to compare yet: run it again, or tl-bench resample executes this call several times");
        return Ok(Exit::Success);
    }
    out.line(&format!("agreement   {} gave the most frequent answer", percent(spread.agreement())));
    out.line(&format!(
        "difference  0 % {} 100 %   of two answers: {} in the middle, {} at most",
        spread.chart(),
        percent(spread.median()),
        percent(spread.radius())
    ));
    for cluster in spread.clusters.iter().take(SHOWN) {
        let Some(first) = cluster.first() else { continue };
        let shown = text::fit(&text::line(&texts[*first]), 100);
        let runs: Vec<&str> = cluster.iter().take(4).map(|at| answers[*at].at.run.short()).collect();
        let runs = out.paint(Tone::Quiet, &runs.join(" "));
        out.line(&format!("{:>4} ×  {}  {runs}", cluster.len(), shown.trim_end()));
    }
    if spread.clusters.len() > SHOWN {
        out.line(&out.paint(Tone::Quiet, &format!("       and {} more", spread.clusters.len() - SHOWN)));
    }
    Ok(Exit::Success)
}
