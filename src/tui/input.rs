//! Terminal events as the workbench's messages.

use std::io;

use crossterm::event::EventStream;
use futures_util::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

use crossterm::event::{
    Event, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::app::Msg;
use crate::app::keys::{Key, KeyCode};
use crate::app::pointer::{Mouse, MouseKind};
use crate::ui::Drawn;

/// What is typed, as it comes.
pub struct Input {
    events: Receiver<io::Result<Event>>,
    task: JoinHandle<()>,
}

impl Input {
    /// Reads the terminal from now on. It ends when the terminal does.
    ///
    /// A task of its own: the stream forgets who waits for it when it is polled by somebody else in between, so the
    /// loop must not take up pending input from it directly.
    pub fn listen() -> Self {
        let (to, events) = channel(256);
        let task = tokio::spawn(async move {
            let mut stream = EventStream::new();
            loop {
                tokio::select! {
                    () = to.closed() => break,
                    event = stream.next() => {
                        let Some(event) = event else { break };
                        if to.send(event).await.is_err() {
                            break;
                        }
                    }
                }
            }
        });
        Input { events, task }
    }

    /// The next event; `None` when the terminal is gone.
    pub async fn recv(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }

    /// The next event if it is there already.
    pub fn try_recv(&mut self) -> Option<io::Result<Event>> {
        self.events.try_recv().ok()
    }

    /// Reads no more, without waiting for the end of the reading task: it ends before the next is made.
    pub fn stop(&mut self) {
        self.events.close();
        while self.events.try_recv().is_ok() {}
        let task = &mut self.task;
        tokio::task::block_in_place(|| {
            let _ = tokio::runtime::Handle::current().block_on(task);
        });
    }

    /// Reads no more. Must come before the terminal is given back: what is typed then is for the shell.
    pub async fn end(&mut self) {
        self.events.close();
        // Events that nobody takes any more must not keep the task waiting for room.
        while self.events.try_recv().is_ok() {}
        let _ = (&mut self.task).await;
    }
}

/// The message for a terminal event, on what is drawn; `None` when it means nothing here.
pub fn message(event: Event, drawn: &Drawn) -> Option<Msg> {
    match event {
        Event::Key(key) => key_of(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(w, h) => Some(Msg::Resize(w, h)),
        // Whoever comes back wants to see current ages.
        Event::FocusGained => Some(Msg::Tick),
        Event::Mouse(event) => mouse_of(event, drawn).map(Msg::Mouse),
        Event::FocusLost => None,
    }
}

fn mouse_of(event: MouseEvent, drawn: &Drawn) -> Option<Mouse> {
    let kind = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseKind::Down,
        MouseEventKind::Drag(MouseButton::Left) => MouseKind::Drag,
        MouseEventKind::Up(MouseButton::Left) => MouseKind::Up,
        MouseEventKind::ScrollUp => MouseKind::WheelUp,
        MouseEventKind::ScrollDown => MouseKind::WheelDown,
        _ => return None,
    };
    let (x, y) = (event.column, event.row);
    Some(Mouse { kind, x, y, over: drawn.over(x, y) })
}

fn key_of(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let code = match event.code {
        Code::Char(c) => KeyCode::Char(c),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::BackTab => KeyCode::BackTab,
        Code::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        Code::Tab => KeyCode::Tab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::F(n) => KeyCode::F(n),
        _ => return None,
    };
    Some(Key {
        code,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.contains(KeyModifiers::ALT),
    })
}
