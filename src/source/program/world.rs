//! What importing the modules does, in order: which names are rebound and which objects change.
//!
//! The modules that an entry imports are run in thought, one statement after the other, as Python would. What running each
//! of them does is known (`run`); here it is put in order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::effects::Effect;
use super::pattern::Pattern;
use super::run::{Run, Runs};
use super::table::{ModId, View};
use super::trace::Trace;

/// A unit that changes something when it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touch {
    pub(super) at: usize,
    pub(super) module: ModId,
    pub(super) unit: usize,
    /// Only this attribute changes.
    pub(super) attr: Option<Box<str>>,
    /// The name is bound to something else.
    pub(super) bind: bool,
    /// It runs whenever the module does.
    pub(super) certain: bool,
}

/// Everything that importing does.
#[derive(Debug, Default)]
pub(super) struct World {
    /// What ran.
    runs: HashMap<ModId, Arc<Run>>,
    /// The order in which units run: for each module its stretches that nothing interrupts, each with its first unit and
    /// the place of that.
    order: HashMap<ModId, Vec<(usize, usize)>>,
    placed: usize,
    /// For modules that are not imported in any case: the units that decide whether they are.
    deciders: HashMap<ModId, Vec<(ModId, usize)>>,
    touched: HashMap<ModId, HashMap<Box<str>, Vec<Touch>>>,
    /// Of modules: names that are computed.
    whole: HashMap<ModId, Vec<(Pattern, Touch)>>,
    /// Dotted paths outside the project.
    outside: Vec<(String, Touch)>,
    /// Classes that name a class among their bases.
    subclasses: HashMap<ModId, HashMap<usize, Vec<(ModId, usize)>>>,
    /// A module that does not parse.
    pub(super) broken: bool,
}

/// What two worlds do not have in common.
#[derive(Default)]
pub(super) struct Difference {
    /// Something that every function may see.
    everywhere: bool,
    modules: HashSet<ModId>,
}

impl Difference {
    /// An answer that was made of this could be another one.
    pub(super) fn concerns(&self, trace: &Trace) -> bool {
        self.everywhere
            || (!self.modules.is_empty() && trace.modules().any(|one| self.modules.contains(&one)))
    }
}

/// A module that runs: which of its steps is next, from which unit on it has no place yet, and what runs after it.
struct Running {
    number: ModId,
    run: Arc<Run>,
    step: usize,
    unit: usize,
    rest: Vec<ModId>,
}

impl World {
    /// What importing these modules, one after the other, does.
    pub(super) fn of(entries: &[ModId], runs: &mut Runs, view: &mut View<'_>) -> Self {
        let mut world = World::default();
        for entry in entries {
            world.import(*entry, runs, view);
        }
        if !world.deciders.is_empty() {
            for module in world.certain(entries) {
                world.deciders.remove(&module);
            }
        }
        world.act();
        world
    }

    pub(super) fn has(&self, module: ModId) -> bool {
        self.runs.contains_key(&module)
    }

    /// Whether a module is imported in any case: importing it once more changes nothing.
    pub(super) fn has_certainly(&self, module: ModId) -> bool {
        self.has(module) && self.deciders(module).is_empty()
    }

    /// The modules that ran.
    pub(super) fn modules(&self) -> impl Iterator<Item = ModId> {
        self.runs.keys().copied()
    }

    pub(super) fn at(&self, module: ModId, unit: usize) -> Option<usize> {
        let stretches = self.order.get(&module)?;
        let next = stretches.partition_point(|(first, _)| *first <= unit);
        let (first, place) = stretches.get(next.checked_sub(1)?)?;
        Some(place + (unit - first))
    }

    /// What changes a name of a module, in order.
    pub(super) fn touches(&self, module: ModId, name: &str) -> Vec<Touch> {
        let named = self.touched.get(&module).and_then(|names| names.get(name));
        let mut all = named.cloned().unwrap_or_default();
        if let Some(whole) = self.whole.get(&module) {
            let fits = whole.iter().filter(|(names, _)| names.matches(name));
            all.extend(fits.map(|(_, touch)| touch.clone()));
            all.sort_by_key(|touch| touch.at);
        }
        all
    }

    /// What changes a dotted path outside the project, or something of it.
    pub(super) fn outside(&self, path: &str) -> impl Iterator<Item = &Touch> {
        let path = match path.strip_prefix("os.getenv").or_else(|| path.strip_prefix("os.environb")) {
            Some(rest) => format!("os.environ{rest}"),
            None => path.to_owned(),
        };
        let fits = move |touched: &str| related(touched, &path);
        self.outside.iter().filter(move |(touched, _)| fits(touched)).map(|(_, touch)| touch)
    }

    pub(super) fn subclasses(&self, module: ModId, unit: usize) -> &[(ModId, usize)] {
        self.subclasses.get(&module).and_then(|units| units.get(&unit)).map_or(&[], |found| found)
    }

    /// The units that decide whether a module is imported.
    pub(super) fn deciders(&self, module: ModId) -> &[(ModId, usize)] {
        self.deciders.get(&module).map_or(&[], |found| found)
    }

    /// Runs a module that did not run before, and what it imports, in the order of Python.
    fn import(&mut self, entry: ModId, runs: &mut Runs, view: &mut View<'_>) {
        let mut stack: Vec<Running> = Vec::new();
        let mut begin = vec![entry];
        loop {
            // Packages before what is in them: they were put last.
            if let Some(number) = begin.pop() {
                if self.has(number) {
                    continue;
                }
                let run = runs.of(number, view);
                self.runs.insert(number, run.clone());
                self.decided(number, stack.last());
                self.broken |= run.broken;
                let rest = std::mem::replace(&mut begin, run.parents.clone());
                stack.push(Running { number, run, step: 0, unit: 0, rest });
                continue;
            }
            let Some(mut top) = stack.pop() else { return };
            let step = top.run.steps.get(top.step);
            let until = step.map_or(top.run.units, |step| step.unit + 1);
            if until > top.unit {
                self.order.entry(top.number).or_default().push((top.unit, self.placed));
                self.placed += until - top.unit;
            }
            match step {
                Some(step) => {
                    begin = step.loads.iter().rev().copied().collect();
                    (top.step, top.unit) = (top.step + 1, until);
                    stack.push(top);
                }
                None => begin = top.rest,
            }
        }
    }

    /// Notes what decides whether a module is imported. `by`: the module that imports it.
    fn decided(&mut self, loaded: ModId, by: Option<&Running>) {
        let Some(by) = by else { return };
        let mut deciders = self.deciders.get(&by.number).cloned().unwrap_or_default();
        // Before its first step a module only waits for the packages around it.
        if let Some(step) = by.step.checked_sub(1).and_then(|at| by.run.steps.get(at))
            && !step.plain
        {
            deciders.push((by.number, step.unit));
        }
        if !deciders.is_empty() {
            self.deciders.insert(loaded, deciders);
        }
    }

    /// The modules that are imported in any case.
    fn certain(&self, entries: &[ModId]) -> HashSet<ModId> {
        let mut seen: HashSet<ModId> = HashSet::new();
        let mut open = entries.to_vec();
        while let Some(number) = open.pop() {
            let Some(run) = self.runs.get(&number) else { continue };
            if seen.insert(number) {
                open.extend(&run.parents);
                open.extend(run.steps.iter().filter(|step| step.plain).flat_map(|step| &step.loads));
            }
        }
        seen
    }

    /// Does what the modules do, in order.
    fn act(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        let mut deeds = Vec::new();
        let mut classes = Vec::new();
        for (number, run) in &runs {
            let place = |unit: usize| self.at(*number, unit).unwrap_or_default();
            deeds.extend(run.deeds.iter().map(|deed| (place(deed.unit), *number, deed)));
            classes.extend(run.bases.iter().map(|(unit, bases)| (place(*unit), (*number, *unit), bases)));
        }
        deeds.sort_unstable_by_key(|(at, ..)| *at);
        classes.sort_unstable_by_key(|(at, ..)| *at);
        for (_, class, bases) in classes {
            for (module, unit) in bases {
                self.subclasses.entry(*module).or_default().entry(*unit).or_default().push(class);
            }
        }
        for (at, number, deed) in deeds {
            let touch = |attr: Option<Box<str>>, bind| Touch {
                at,
                module: number,
                unit: deed.unit,
                attr,
                bind,
                certain: deed.certain,
            };
            for effect in &deed.effects {
                match effect {
                    Effect::Name { module, name, attr, bind } => {
                        let names = self.touched.entry(*module).or_default();
                        let list = names.entry(name.clone()).or_default();
                        let touch = touch(attr.clone(), *bind);
                        if !list.contains(&touch) {
                            list.push(touch);
                        }
                    }
                    Effect::Module(module, names) => {
                        self.whole.entry(*module).or_default().push((names.clone(), touch(None, false)));
                    }
                    Effect::Outside(path) => self.outside.push((path.clone(), touch(None, false))),
                    Effect::Param(..) => {}
                }
            }
        }
        self.runs = runs;
    }

    /// What of this world is otherwise in another one, as far as a search can see.
    pub(super) fn difference(&self, other: &World) -> Difference {
        let outside = |world: &World| -> Vec<(String, ModId, usize)> {
            let all = world.outside.iter();
            all.map(|(path, touch)| (path.clone(), touch.module, touch.unit)).collect()
        };
        let everywhere = self.broken != other.broken || outside(self) != outside(other);
        // The places of what changes a name are compared with the places of other units.
        let moved = self.order != other.order;
        let mut modules = HashSet::new();
        for number in self.runs.keys().chain(other.runs.keys()) {
            let touched = (self.touched.get(number), self.whole.get(number));
            let touched_there = (other.touched.get(number), other.whole.get(number));
            let same = self.has(*number) == other.has(*number)
                && touched == touched_there
                && (!moved || touched == (None, None))
                && self.subclasses.get(number) == other.subclasses.get(number)
                && self.deciders.get(number) == other.deciders.get(number);
            if !same {
                modules.insert(*number);
            }
        }
        // Something may touch a module that does not run.
        let keys = |world: &World| -> Vec<ModId> {
            let touched = world.touched.keys().chain(world.whole.keys());
            touched.filter(|number| !self.has(**number) && !other.has(**number)).copied().collect()
        };
        modules.extend(keys(self));
        modules.extend(keys(other));
        Difference { everywhere, modules }
    }
}

/// A change of one may be seen through the other.
pub(super) fn related(touched: &str, path: &str) -> bool {
    let below = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    below(touched, path) || below(path, touched)
}
