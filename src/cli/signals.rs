//! Ctrl-C: the first stops the run gracefully, the second ends it at once.

use tokio::sync::mpsc::UnboundedSender;

use super::output::Out;
use crate::engine::local::Command;

/// Listens in a thread of its own for as long as the process lives.
pub fn stop_on_interrupt(commands: UnboundedSender<Command>, out: Out) {
    let listen = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            let mut asked = false;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if asked {
                    let _ = commands.send(Command::Kill);
                } else {
                    out.status("");
                    out.note("stopping: what runs may end, nothing new starts; once more to end at once");
                    let _ = commands.send(Command::Stop);
                    asked = true;
                }
            }
        });
    };
    // Without the thread Ctrl-C ends the process the hard way, which loses nothing.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(listen);
}
