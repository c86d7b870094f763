//! Takes the terminal and always gives it back.
//!
//! Invariants: [`restore`] may be called at any time, from any thread, any number of times, and does something
//! only while the terminal is taken. A panic anywhere restores it before its message is printed; if the loop
//! lives on (the panic was on another thread), [`Guard::reclaim`] takes the terminal again.

use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use tokio::sync::Notify;

static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the mouse is reported while the terminal is taken.
static MOUSE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// Told of each panic: the loop must take the terminal again though nothing else happens.
static PANICKED: Notify = Notify::const_new();

/// The terminal is the workbench's while this lives.
pub struct Guard(());

impl Guard {
    /// Takes the terminal: raw mode, the alternate screen, no cursor.
    pub fn take() -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                restore();
                before(info);
                PANICKED.notify_one();
            }));
        });
        // From here on leaving early must undo whatever was done.
        let guard = Guard(());
        enter()?;
        Ok(guard)
    }

    /// Gives the terminal back for a while.
    pub fn release(&self) {
        restore();
    }

    /// Takes the terminal again; says whether it had been given back, so that everything must be drawn anew.
    pub fn reclaim(&self) -> io::Result<bool> {
        if TAKEN.load(Ordering::SeqCst) {
            return Ok(false);
        }
        enter()?;
        Ok(true)
    }

    /// Asks the terminal for what the mouse does, or leaves the mouse to it.
    pub fn mouse(&self, wanted: bool) -> io::Result<()> {
        if MOUSE.swap(wanted, Ordering::SeqCst) != wanted {
            report_mouse(wanted)?;
        }
        Ok(())
    }

    /// Takes the terminal again whatever is believed of it: the process was stopped and continued from outside.
    pub fn retake(&self) -> io::Result<()> {
        // The shell made the line discipline its own meanwhile; what believes it to be raw would leave it like that.
        disable_raw_mode()?;
        enter()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, cursor::Hide)?;
    if MOUSE.load(Ordering::SeqCst) { report_mouse(true) } else { Ok(()) }
}

/// Clicks, the wheel and dragging, with positions of any size. Plain movement is not asked for: it would wake the
/// loop for nothing.
fn report_mouse(on: bool) -> io::Result<()> {
    let end = if on { 'h' } else { 'l' };
    let mut out = io::stdout();
    write!(out, "\x1b[?1000{end}\x1b[?1002{end}\x1b[?1006{end}")?;
    out.flush()
}

/// Waits for a panic; the terminal is given back then.
pub async fn panicked() {
    PANICKED.notified().await;
}

/// Gives the terminal back when it is taken.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // First, so that whoever sees the ordinary screen can type at once.
    let _ = disable_raw_mode();
    // The terminal may be gone; what can be restored is.
    // A panic while drawing leaves a synchronized update open, in which nothing would be shown.
    let _ = report_mouse(false);
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = out.flush();
}
