//! Ctrl-C: the first stops the run gracefully, the second ends it at once.
//!
//! Invariant: a run begins after its [`Interrupts`] are heard. What arrives before somebody acts on them waits; a
//! process that ended by the signal instead would leave a run that has just begun behind as interrupted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::mpsc::UnboundedSender;

use super::output::Out;
use crate::engine::local::Command;
use crate::model::{ErrorInfo, ErrorKind};

/// The Ctrl-Cs and requests to terminate that the process gets from now on.
///
/// They no longer end it, not even after this is dropped.
pub struct Interrupts {
    /// None: the system gives them away to nobody. They end the process then, which loses nothing.
    signals: Option<Signals>,
    came: Came,
}

/// Whether there was one.
#[derive(Clone, Default)]
pub struct Came(Arc<AtomicBool>);

impl Interrupts {
    /// Takes them from the system.
    pub fn hear() -> Self {
        let signals = Signals::new([SIGINT, SIGTERM]).ok();
        let came = Came::default();
        for signal in [SIGINT, SIGTERM] {
            // Without it a worker that was stopped is told of as one that failed.
            let _ = signal_hook::flag::register(signal, came.0.clone());
        }
        Interrupts { signals, came }
    }

    /// Calls back at each, in a thread of its own for as long as the process lives.
    pub fn call(self, mut act: impl FnMut() + Send + 'static) -> Came {
        if let Some(mut signals) = self.signals {
            let listen = move || signals.forever().for_each(|_| act());
            // Where there is no thread for it, there was none for the run.
            let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(listen);
        }
        self.came
    }

    /// Stops a run: the first time gracefully, then at once.
    pub fn stop(self, commands: UnboundedSender<Command>, out: Out) -> Came {
        let mut asked = false;
        self.call(move || {
            stop(&commands, out, asked);
            asked = true;
        })
    }
}

impl Came {
    /// Why an application was not loaded. A Ctrl-C in a terminal also ends Python processes that have just started,
    /// and then it is no fault of theirs.
    pub fn why(&self, error: ErrorInfo) -> ErrorInfo {
        if error.kind == ErrorKind::Died && self.0.load(Ordering::SeqCst) {
            ErrorInfo::cancelled()
        } else {
            error
        }
    }
}

/// Tells a run to stop, `again` at once.
pub fn stop(commands: &UnboundedSender<Command>, out: Out, again: bool) {
    if again {
        let _ = commands.send(Command::Kill);
    } else {
        out.status("");
        out.note("stopping: what runs may end, nothing new starts; once more to end at once");
        let _ = commands.send(Command::Stop);
    }
}
