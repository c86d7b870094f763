//! Ctrl-C: the first stops the run gracefully, the second ends it at once.

use tokio::sync::mpsc::UnboundedSender;

use super::output::Out;
use crate::engine::local::Command;

/// Stops a run: the first time gracefully, then at once.
pub fn stop_on_interrupt(commands: UnboundedSender<Command>, out: Out) {
    let mut asked = false;
    on_interrupt(move || {
        stop(&commands, out, asked);
        asked = true;
    });
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

/// Calls back at each Ctrl-C or request to terminate, in a thread of its own for as long as the process lives.
pub fn on_interrupt(mut act: impl FnMut() + Send + 'static) {
    let listen = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                act();
            }
        });
    };
    // Without the thread Ctrl-C ends the process the hard way, which loses nothing.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(listen);
}
