//! The loop: wait for anything, take up all that is there, draw once.

use std::ffi::OsString;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossterm::execute;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::Terminal;
use ratatui::layout::Rect;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep_until};

use crate::app::keys::{Key, KeyCode};
use crate::app::persist;
use crate::app::tour::Tour;
use crate::app::update::configure;
use crate::app::{AppState, BackendEvent, Effect, Env, Msg, Reply, Sources, settle, update};
use crate::base::clock::{Clock, Micros, SystemClock};
use crate::base::text;
use crate::ui::colour::Depth;
use crate::ui::glyphs::Glyphs;
use crate::ui::{Drawn, Look, draw};

use super::backend::Backend;
use super::child;
use super::effects;
use super::graphics::answers::{Answers, Came};
use super::graphics::{Damage, Graphics};
use super::guard::{self, Guard};
use super::input::{self, Input};
use super::screen::Screen;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// Room for most frames, so that a terminal gets each at once.
const FRAME_BYTES: usize = 64 * 1024;
/// How many messages are taken up before a frame at most; a flood must not keep the screen from being drawn.
const BATCH: usize = 512;

/// What is said when the workbench goes on after a panic.
const PANICKED: &str =
    "A part of the workbench has panicked; what it said stands in the shell, behind this screen.";

/// Bytes that are made safe for the pager at once.
const PAGED: usize = 1 << 20;

/// How the workbench looks and begins.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A theme's name; `None`: as the settings say.
    pub theme: Option<String>,
    /// The colours that there are.
    pub depth: Depth,
    /// No signs beyond ASCII.
    pub ascii: bool,
    /// A guided tour.
    pub tour: Option<Tour>,
}

impl Options {
    /// What the environment asks for: `TL_BENCH_THEME`, `TL_BENCH_GLYPHS`, and what [`Depth::detect`] reads.
    pub fn from_env() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Options {
            theme: set("TL_BENCH_THEME"),
            ascii: Glyphs::detect(set) == Glyphs::Ascii,
            depth: Depth::detect(set),
            tour: None,
        }
    }
}

/// Why the workbench was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The user quit.
    Quit,
    /// A signal or a closed terminal ended it; the number is the signal's.
    Signal(i32),
}

/// Runs the workbench until it is left; the terminal is restored on return, whatever happens.
///
/// Must be awaited within a tokio runtime with time and I/O enabled.
pub async fn run(backend: Arc<dyn Backend>, options: Options) -> io::Result<Outcome> {
    let mut signals = Signals::new()?;
    let (project, sources, saved, points) = {
        let backend = Arc::clone(&backend);
        let read = move || (backend.outline(), backend.settings(), backend.saved(), backend.points());
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    };
    let guard = Guard::take()?;
    let terminal =
        Terminal::new(Screen::new(BufWriter::with_capacity(FRAME_BYTES, io::stdout()), options.depth))?;
    let size = terminal.size()?;
    let mut state = AppState::new(project, (size.width, size.height));
    state.tour = options.tour.clone();
    state.pictures = options.depth >= Depth::Indexed && !options.ascii;
    configure(&mut state, sources);
    if let Some(text) = saved {
        persist::restore(&mut state, &text);
    }
    let points = points.map(|points| state.points = points);
    let (look, problems) = Look::of(&state, options.theme.as_deref(), options.ascii, options.depth);
    state.settings.theme_problems = problems;
    let dressed = Dress::of(&state);
    let (reply_to, replies) = channel(64);
    let mut bench = Bench {
        state,
        look,
        dressed,
        options,
        backend,
        reply_to,
        replies,
        events: channel(1).1,
        events_open: false,
        input: Input::listen(),
        terminal,
        guard,
        dirty: true,
        drawn: None,
        shown: Drawn::default(),
        graphics: Graphics::default(),
        answers: Answers::default(),
        outcome: None,
    };
    let outcome = match bench.begin(points) {
        Ok(()) => bench.run(&mut signals).await,
        Err(why) => Err(why),
    };
    bench.input.end().await;
    let (saved, backend) = (persist::save(&bench.state), Arc::clone(&bench.backend));
    let deleted: Vec<_> = bench.state.runs.deleted.drain().collect();
    // Whoever leaves need not hear what could not be kept; a run that could not be deleted is there the next time.
    let leave = move || {
        backend.save(&saved);
        deleted.iter().for_each(|run| drop(backend.delete(run)));
    };
    let _ = tokio::task::spawn_blocking(leave).await;
    outcome
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    resume: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(nix::sys::signal::Signal::SIGTSTP as i32))?,
            resume: signal(SignalKind::from_raw(nix::sys::signal::Signal::SIGCONT as i32))?,
        })
    }
}

/// The size of a cell in pixels, where the terminal tells.
fn cell_size() -> Option<(u16, u16)> {
    let size = crossterm::terminal::window_size().ok()?;
    let part = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|n| *n > 0);
    Some((part(size.width, size.columns)?, part(size.height, size.rows)?))
}

fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Everything that can wake the loop: a closed set.
enum Wake {
    Signal(i32),
    Interrupt,
    Stop,
    Resumed,
    Panicked,
    Input(Option<io::Result<crossterm::event::Event>>),
    Backend(Option<BackendEvent>),
    Reply(Reply),
    Spare,
    Timer,
}

struct Bench {
    state: AppState,
    look: Look,
    /// What the look was made of.
    dressed: Dress,
    options: Options,
    backend: Arc<dyn Backend>,
    reply_to: tokio::sync::mpsc::Sender<Reply>,
    replies: Receiver<Reply>,
    events: Receiver<BackendEvent>,
    events_open: bool,
    input: Input,
    terminal: Terminal<Screen<BufWriter<Stdout>>>,
    guard: Guard,
    dirty: bool,
    drawn: Option<Instant>,
    /// What drawing said of what is on the screen.
    shown: Drawn,
    graphics: Graphics,
    answers: Answers,
    outcome: Option<Outcome>,
}

/// What a look is made of, beside the environment.
#[derive(PartialEq)]
struct Dress {
    theme: Option<String>,
    named: Option<String>,
    ascii: Option<bool>,
    sources: Arc<Sources>,
}

impl Dress {
    fn of(state: &AppState) -> Self {
        let settings = &state.settings;
        Dress {
            theme: state.theme.clone(),
            named: settings.theme.clone(),
            ascii: settings.ascii,
            sources: Arc::clone(&settings.sources),
        }
    }
}

impl Bench {
    /// Shows the first frame, then has everything watched and read: neither the size of the store nor that of the project
    /// keeps the screen dark.
    fn begin(&mut self, points: Result<(), String>) -> io::Result<()> {
        let mut effects = crate::app::update::start(&mut self.state);
        effects.extend(self.settle());
        self.show()?;
        self.events = self.backend.subscribe();
        self.events_open = true;
        // The settings again: a file may have been saved before anybody watched it.
        self.execute(vec![Effect::LoadProject, Effect::LoadSettings])?;
        self.execute(effects)?;
        match points {
            Ok(()) => Ok(()),
            Err(why) => self.message(Msg::Reply(Reply::Done(Err(why)))),
        }
    }

    async fn run(&mut self, signals: &mut Signals) -> io::Result<Outcome> {
        loop {
            if self.dirty && self.drawn.is_none_or(|at| at.elapsed() >= FRAME) {
                self.frame()?;
            }
            if let Some(outcome) = self.outcome {
                return Ok(outcome);
            }
            let wake = self.wait(signals).await;
            self.take(wake)?;
            self.drain()?;
        }
    }

    /// When to wake up though nothing happens; never, when nothing moves on the screen.
    fn deadline(&self) -> Option<Instant> {
        if self.dirty {
            return self.drawn.map(|at| at + FRAME);
        }
        let now = SystemClock.now();
        let wake = self.state.next_wake(now)?;
        let wait = Duration::from_micros(u64::try_from(wake - now).unwrap_or(0));
        Some(Instant::now() + wait.max(FRAME))
    }

    async fn wait(&mut self, signals: &mut Signals) -> Wake {
        let deadline = self.deadline();
        let timer = async {
            match deadline {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = signals.terminate.recv() => Wake::Signal(SignalKind::terminate().as_raw_value()),
            _ = signals.hangup.recv() => Wake::Signal(SignalKind::hangup().as_raw_value()),
            _ = signals.interrupt.recv() => Wake::Interrupt,
            _ = signals.stop.recv() => Wake::Stop,
            _ = signals.resume.recv() => Wake::Resumed,
            () = guard::panicked() => Wake::Panicked,
            event = self.input.recv() => Wake::Input(event),
            Some(reply) = self.replies.recv() => Wake::Reply(reply),
            event = self.events.recv(), if self.events_open => Wake::Backend(event),
            () = tokio::task::yield_now(), if self.state.is_matching() => Wake::Spare,
            () = timer => Wake::Timer,
        }
    }

    fn take(&mut self, wake: Wake) -> io::Result<()> {
        match wake {
            Wake::Signal(number) => self.outcome = Some(Outcome::Signal(number)),
            Wake::Interrupt => {
                self.message(Msg::Key(Key { code: KeyCode::Char('c'), ctrl: true, alt: false }))?;
            }
            Wake::Stop => self.suspend()?,
            Wake::Resumed => {
                self.guard.retake()?;
                self.repaint()?;
            }
            // The next frame takes the terminal again.
            Wake::Panicked => self.message(Msg::Backend(BackendEvent::Notice(PANICKED.to_owned())))?,
            Wake::Input(Some(Ok(event))) => match self.answers.take(event) {
                Came::Input(events) => {
                    for msg in events
                        .into_iter()
                        .filter_map(|event| input::message(event, &self.shown))
                        .collect::<Vec<_>>()
                    {
                        self.message(msg)?;
                    }
                }
                Came::Part => {}
                Came::Answer(answer) => self.dirty |= self.graphics.answered(&answer),
            },
            // Without input nobody can use or leave the workbench.
            Wake::Input(Some(Err(why))) => return Err(why),
            Wake::Input(None) => {
                self.outcome = Some(Outcome::Signal(SignalKind::hangup().as_raw_value()));
            }
            Wake::Backend(Some(event)) => self.message(Msg::Backend(event))?,
            Wake::Backend(None) => self.events_open = false,
            Wake::Reply(reply) => self.message(Msg::Reply(reply))?,
            Wake::Spare => {
                self.state.match_more();
                // The next frame shows what was found.
                self.dirty |= !self.state.is_matching();
            }
            // A timer that ends the wait for the next frame has nothing to say by itself.
            Wake::Timer if self.dirty => {}
            Wake::Timer => self.message(Msg::Tick)?,
        }
        Ok(())
    }

    /// Takes up whatever else is there already.
    fn drain(&mut self) -> io::Result<()> {
        for _ in 0..BATCH {
            if self.outcome.is_some() {
                break;
            }
            if let Some(event) = self.input.try_recv() {
                self.take(Wake::Input(Some(event)))?;
            } else if let Ok(reply) = self.replies.try_recv() {
                self.take(Wake::Reply(reply))?;
            } else if let Ok(event) = self.events.try_recv() {
                self.take(Wake::Backend(Some(event)))?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn message(&mut self, msg: Msg) -> io::Result<()> {
        self.dirty = true;
        let env = Env { now: SystemClock.now() };
        let effects = update(&mut self.state, msg, &env);
        self.execute(effects)
    }

    fn execute(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Quit => self.outcome = Some(Outcome::Quit),
                // Here, so that what was asked last is what counts.
                Effect::Judge { run } => self.backend.judge(run.as_ref()),
                Effect::Repaint => self.repaint()?,
                Effect::Suspend => self.suspend()?,
                Effect::Edit { file, line } => {
                    let command = child::editor(&env_var, Path::new(&file), Some(line));
                    if let Err(why) = self.lend(&command)? {
                        self.message(Msg::Reply(Reply::Done(Err(why))))?;
                    }
                }
                Effect::EditText { what, text } => {
                    let result = self.edit_text(&text)?;
                    self.message(Msg::Reply(Reply::Edited { what, before: text, result }))?;
                }
                Effect::Page { bytes } => {
                    if let Err(why) = self.page(&bytes)? {
                        self.message(Msg::Reply(Reply::Done(Err(why))))?;
                    }
                }
                question => effects::ask(&self.backend, &self.reply_to, question),
            }
        }
        Ok(())
    }

    fn frame(&mut self) -> io::Result<()> {
        // A panic on another thread restored the terminal to print its message.
        if self.guard.reclaim()? {
            self.repaint()?;
        }
        // A window that changed before anybody listened to its changes reports nothing any more.
        let size = self.terminal.size()?;
        self.state.size = (size.width, size.height);
        let effects = self.settle();
        self.execute(effects)?;
        self.show()
    }

    fn settle(&mut self) -> Vec<Effect> {
        settle(&mut self.state, &Env { now: SystemClock.now() })
    }

    /// Draws what was settled.
    fn show(&mut self) -> io::Result<()> {
        let now = SystemClock.now();
        self.dress();
        self.guard.mouse(self.state.uses_mouse())?;
        execute!(io::stdout(), BeginSynchronizedUpdate)?;
        self.paint(now)?;
        self.images(now)?;
        execute!(io::stdout(), EndSynchronizedUpdate)?;
        self.drawn = Some(Instant::now());
        self.dirty = false;
        Ok(())
    }

    /// Draws the cells.
    fn paint(&mut self, now: Micros) -> io::Result<()> {
        let (state, look) = (&self.state, &self.look);
        let shown = &mut self.shown;
        self.terminal.draw(|frame| {
            *shown = draw(state, look, now, frame.buffer_mut());
            // Where text is typed, so that input methods and screen readers find it. Elsewhere it is hidden.
            if let Some(at) = shown.cursor {
                frame.set_cursor_position(at);
            }
        })?;
        Ok(())
    }

    /// Puts images over the cells, where the terminal draws them.
    fn images(&mut self, now: Micros) -> io::Result<()> {
        let mut out = io::stdout();
        if let Some(question) =
            self.graphics.choose(self.state.settings.images, &self.shown.pictures, &env_var)
        {
            self.answers.expect();
            out.write_all(question.as_bytes())?;
            out.flush()?;
        }
        if self.terminal.backend().damage() == Damage::Cleared {
            self.graphics.forget();
        }
        if self.graphics.must_clear(&self.shown.pictures) {
            self.repaint()?;
            self.graphics.forget();
            self.paint(now)?;
        }
        let damage = self.terminal.backend().damage();
        let cell = if self.shown.pictures.is_empty() { None } else { cell_size() };
        self.graphics.show(&self.shown.pictures, damage, cell, &mut out)?;
        self.terminal.backend_mut().watch(self.graphics.areas());
        Ok(())
    }

    /// Makes the look anew when what it is made of has changed.
    fn dress(&mut self) {
        let wanted = Dress::of(&self.state);
        if wanted != self.dressed {
            let Options { theme, ascii, depth, .. } = &self.options;
            let (look, problems) = Look::of(&self.state, theme.as_deref(), *ascii, *depth);
            self.look = look;
            self.state.settings.theme_problems = problems;
            self.dressed = wanted;
        }
    }

    fn repaint(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        // `clear` would ask the terminal for its cursor, and the answer would go to whoever reads the input.
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))?;
        self.state.size = (size.width, size.height);
        self.dirty = true;
        Ok(())
    }

    /// Gives the terminal to a program until it ends.
    fn lend(&mut self, command: &[OsString]) -> io::Result<Result<(), String>> {
        // Two readers of one terminal would steal each other's keys.
        self.input.stop();
        self.guard.release();
        let ended = tokio::task::block_in_place(|| child::run(command));
        self.guard.reclaim()?;
        self.input = Input::listen();
        self.repaint()?;
        Ok(ended.and_then(|status| {
            let name = command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if status.success() { Ok(()) } else { Err(format!("{name} ended with {status}.")) }
        }))
    }

    fn edit_text(&mut self, text: &str) -> io::Result<Result<String, String>> {
        let path = match self.backend.stage("edit.json", text.as_bytes()) {
            Ok(path) => path,
            Err(why) => return Ok(Err(why)),
        };
        let command = child::editor(&env_var, Path::new(&path), None);
        let ended = self.lend(&command)?;
        // Read by its name: editors write a new file and rename it.
        let edited = ended.and_then(|()| std::fs::read_to_string(&path).map_err(|why| why.to_string()));
        let _ = std::fs::remove_file(&path);
        Ok(edited)
    }

    fn page(&mut self, bytes: &[u8]) -> io::Result<Result<(), String>> {
        let path = match self.backend.stage("value.txt", &[]) {
            Ok(path) => path,
            Err(why) => return Ok(Err(why)),
        };
        // Some pagers obey escape sequences. In pieces, so that a large value is not held several times.
        let mut out = io::BufWriter::new(std::fs::OpenOptions::new().append(true).open(&path)?);
        for piece in text::pieces(bytes, PAGED) {
            out.write_all(text::lines(&text::lossy(piece)).as_bytes())?;
        }
        out.flush()?;
        drop(out);
        let command = child::pager(&env_var, Path::new(&path));
        let ended = self.lend(&command);
        let _ = std::fs::remove_file(&path);
        ended
    }

    /// Stops the process as the shell's Ctrl-Z does, and goes on where it was when it is continued.
    fn suspend(&mut self) -> io::Result<()> {
        self.guard.release();
        // Stopped within this call; without job control the signal is ignored and we go on at once, as with SIGTSTP.
        // That one is listened to, for when it comes from outside, and would not stop us any more.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGTTOU);
        self.guard.reclaim()?;
        self.repaint()
    }
}
