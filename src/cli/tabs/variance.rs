//! `tl-bench variance` and the tab Variance: how much the answers to one question differ, over runs and samples.

use serde_json::{Value, json};

use super::print;
use crate::app::tab::{TabRow, TabView, Target};
use crate::app::tone::Tone;
use crate::base::ids::{CallNo, call_id};
use crate::base::text;
use crate::cli::args::VarianceArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Exit};
use crate::diff::value::Spread;
use crate::engine::explain::noise::{Answer, Answers, ENOUGH};
use crate::model::{Purpose, RunHistory, path};
use crate::store::Store;

/// Groups of equal answers that are shown.
const SHOWN: usize = 12;
/// Calls of one group that are named.
const NAMED: usize = 6;
/// Lines of one answer that are shown.
const LINES: usize = 6;
/// The longest bar of a group.
const BAR: usize = 20;

/// What a call's question was answered.
pub(super) struct Variance {
    path: String,
    function: String,
    answers: Vec<Answer>,
    spread: Spread,
}

impl Variance {
    /// Of a call; of a sample that of the call which it samples. A sentence when it has no answer of its own.
    pub(super) fn of(store: &Store, run: &RunHistory, no: CallNo) -> Result<Variance, String> {
        if let Purpose::Samples { of, call } = &run.purpose
            && run.call(no).is_some_and(|sample| sample.parent == 1 || no == 1)
        {
            let read = store.history(&of.run).map_err(|error| error.to_string())?;
            return Variance::here(store, &read.history, *call);
        }
        Variance::here(store, run, no)
    }

    fn here(store: &Store, run: &RunHistory, no: CallNo) -> Result<Variance, String> {
        let call = run.call(no).ok_or("there is no such call")?;
        if !call.is_call() {
            return Err("a map or a reduce has no answer of its own: choose one of its calls".to_owned());
        }
        let answers = Answers::new(store).of(run, call);
        let texts: Vec<String> = answers.iter().map(|answer| answer.text.clone()).collect();
        let spread = Spread::of(&texts);
        Ok(Variance { path: path::path(run, no), function: call.function.clone(), answers, spread })
    }

    /// As a document.
    fn document(&self) -> Value {
        let group = |cluster: &Vec<usize>| {
            let of = |at: &usize| {
                let answer = &self.answers[*at];
                json!({"run": answer.at.run, "call": call_id(&answer.at.run, answer.at.call), "sample": answer.sample})
            };
            json!({
                "answers": cluster.len(),
                "text": cluster.first().map(|at| &self.answers[*at].text),
                "calls": cluster.iter().map(of).collect::<Vec<_>>(),
            })
        };
        json!({
            "path": self.path,
            "function": self.function,
            "answers": self.spread.answers,
            "samples": self.answers.iter().filter(|answer| answer.sample).count(),
            "agreement": self.spread.agreement(),
            "clusters": self.spread.clusters.iter().map(group).collect::<Vec<_>>(),
            "distance": {
                "median": self.spread.median(),
                "most": self.spread.radius(),
                "pairs": self.spread.distances,
            },
        })
    }

    /// Its rows.
    pub(super) fn view(&self) -> TabView {
        let mut rows = Vec::new();
        let spread = &self.spread;
        let samples = self.answers.iter().filter(|answer| answer.sample).count() as u64;
        let of = match samples {
            0 => String::new(),
            n => format!(", {n} of them as samples"),
        };
        let different = match spread.clusters.len() {
            n @ 2.. => format!("{n} different answers"),
            n => text::count(n as u64, "answer"),
        };
        let times = text::count(spread.answers as u64, "time");
        rows.push(TabRow::text(0, Tone::Title, format!("{}  executed {times}{of}, {different}", self.path)));
        if spread.answers < 2 {
            let words = "there is nothing to compare yet: run it again, or resample the call";
            rows.push(TabRow::text(0, Tone::Quiet, words));
            return TabView { rows };
        }
        let percent = |part: f64| format!("{:.0} %", part * 100.0);
        let most = spread.clusters.first().map_or(0, Vec::len);
        let said = format!("{most} of {} gave the most frequent answer", spread.answers);
        rows.push(TabRow::text(
            0,
            Tone::Text,
            format!("agreement   {}  {said}", percent(spread.agreement())),
        ));
        let chart = format!("difference  0 % {} 100 %", spread.chart());
        rows.push(TabRow::text(0, Tone::Text, chart));
        let (middle, most) = (percent(spread.median()), percent(spread.radius()));
        let said = format!("of two answers: {middle} in the middle, {most} at most");
        rows.push(TabRow::text(12, Tone::Quiet, said));
        if spread.answers < ENOUGH {
            let words =
                format!("a difference of two runs is measured against {ENOUGH} earlier answers or more");
            rows.push(TabRow::text(12, Tone::Faint, words));
        }
        for cluster in spread.clusters.iter().take(SHOWN) {
            self.group(&mut rows, cluster);
        }
        if spread.clusters.len() > SHOWN {
            let more = text::count((spread.clusters.len() - SHOWN) as u64, "more answer");
            rows.push(TabRow::text(0, Tone::Faint, format!("… {more} (tl-bench variance --json)")));
        }
        TabView { rows }
    }

    /// Equal answers: how many there are, what they say, and where they are.
    fn group(&self, rows: &mut Vec<TabRow>, cluster: &[usize]) {
        let Some(first) = cluster.first().map(|at| &self.answers[*at]) else { return };
        let bar = "█".repeat((cluster.len() * BAR).div_ceil(self.spread.answers.max(1)).clamp(1, BAR));
        let target = |answer: &Answer| Some(Target::Call { run: answer.at.run.clone(), no: answer.at.call });
        rows.push(TabRow::Blank);
        rows.push(TabRow::Text {
            indent: 0,
            tone: Tone::Title,
            text: format!("{:>3} ×  {bar}", cluster.len()),
            target: target(first),
        });
        let lines: Vec<&str> = first.text.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in lines.iter().take(LINES) {
            rows.push(TabRow::text(7, Tone::Text, *line));
        }
        if lines.len() > LINES {
            let more = text::count((lines.len() - LINES) as u64, "more line");
            rows.push(TabRow::text(7, Tone::Faint, format!("… {more}")));
        }
        for at in cluster.iter().take(NAMED) {
            let answer = &self.answers[*at];
            let what = if answer.sample { "sample" } else { "call" };
            let place = format!(
                "{what} {} of run {}",
                call_id(&answer.at.run, answer.at.call),
                answer.at.run.short()
            );
            rows.push(TabRow::Text { indent: 7, tone: Tone::Quiet, text: place, target: target(answer) });
        }
        if cluster.len() > NAMED {
            rows.push(TabRow::text(7, Tone::Faint, format!("… and {} more", cluster.len() - NAMED)));
        }
    }
}

/// `tl-bench variance RUN CALL`.
pub fn run(context: &Context, args: &VarianceArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let run = context.history(&store, &store.find_run(&args.run)?)?;
    let no = context.call(&run, &args.call)?;
    let found = Variance::of(&store, &run, no).map_err(CliError::usage)?;
    if args.json.json {
        context.out.json(&found.document());
    } else {
        print(context.out, &found.view());
    }
    Ok(Exit::Success)
}
