//! Where reports come from: the operating system's events, through notify, or polling where there are none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, MetadataKind, ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher};

use super::burst::Sign;
use super::poll::Polling;

/// How often files are looked at where nothing reports changes.
pub const POLL: Duration = Duration::from_secs(1);

/// Where reports come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The kernel.
    Events,
    /// Looking at every file every [`POLL`].
    Polling,
}

/// One report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Raw {
    /// Something about a path.
    Path(PathBuf, Sign),
    /// A path came or went under this name; nothing was written to it.
    Name(PathBuf, Sign),
    /// Reports were lost.
    Lost,
}

/// Why a folder is not watched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The system gives no more watches, or there will be no events; in words.
    Hopeless(String),
    /// This folder only: it is gone, or may not be read.
    Folder,
}

/// Watches single folders.
pub trait Backend: Send {
    /// Begins to report what happens to names and files in a folder.
    fn watch(&mut self, folder: &Path) -> Result<(), Refused>;
    /// Ends that.
    fn unwatch(&mut self, folder: &Path);
}

/// Makes a backend that reports to a function, on a thread of its own.
pub type Make =
    Box<dyn FnMut(Source, Box<dyn FnMut(Raw) + Send>) -> Result<Box<dyn Backend>, Refused> + Send>;

struct Events(notify::RecommendedWatcher);

/// The machine's own.
pub fn machine() -> Make {
    Box::new(|source, mut report| match source {
        Source::Events => {
            let handler = move |event: notify::Result<notify::Event>| match event {
                Ok(event) => reports(&event).into_iter().for_each(&mut report),
                Err(_) => report(Raw::Lost),
            };
            match notify::recommended_watcher(handler) {
                Ok(watcher) => Ok(Box::new(Events(watcher)) as Box<dyn Backend>),
                Err(error) => Err(refused(&error)),
            }
        }
        Source::Polling => match Polling::new(POLL, report) {
            Ok(polling) => Ok(Box::new(polling) as Box<dyn Backend>),
            Err(error) => Err(Refused::Hopeless(error.to_string())),
        },
    })
}

impl Backend for Events {
    fn watch(&mut self, folder: &Path) -> Result<(), Refused> {
        if let Some(kind) = silent(folder) {
            return Err(Refused::Hopeless(format!(
                "{} is on {kind}, which reports no changes",
                folder.display()
            )));
        }
        self.0.watch(folder, RecursiveMode::NonRecursive).map_err(|error| refused(&error))
    }

    fn unwatch(&mut self, folder: &Path) {
        // It may be gone already.
        let _ = self.0.unwatch(folder);
    }
}

fn refused(error: &notify::Error) -> Refused {
    const NO_MORE_FILES: [i32; 2] = [nix::libc::EMFILE, nix::libc::ENFILE];
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => Refused::Hopeless(
            "the system has no watches left (on Linux, sysctl fs.inotify.max_user_watches raises the limit)"
                .to_owned(),
        ),
        notify::ErrorKind::Io(io) if io.raw_os_error().is_some_and(|code| NO_MORE_FILES.contains(&code)) => {
            Refused::Hopeless(format!("the system gives no more watchers ({io})"))
        }
        _ => Refused::Folder,
    }
}

/// What kind of file system a folder is on when others may change its files without this machine's kernel seeing it.
#[cfg(target_os = "linux")]
fn silent(folder: &Path) -> Option<&'static str> {
    // From linux/magic.h.
    let kind = nix::sys::statfs::statfs(folder).ok()?.filesystem_type().0;
    Some(match kind & 0xFFFF_FFFF {
        0x6969 => "NFS",
        0x517B | 0xFE53_4D42 | 0xFF53_4D42 => "SMB",
        0x0102_1997 => "9P",
        0x6573_5546 => "FUSE",
        _ => return None,
    })
}

#[cfg(not(target_os = "linux"))]
fn silent(_: &Path) -> Option<&'static str> {
    None
}

/// What an event says, and nothing for those that change nothing: reading, and changed permissions.
fn reports(event: &notify::Event) -> Vec<Raw> {
    if event.need_rescan() {
        return vec![Raw::Lost];
    }
    let each = |make: fn(PathBuf, Sign) -> Raw, sign| {
        event.paths.iter().map(|path| make(path.clone(), sign)).collect()
    };
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => each(Raw::Path, Sign::Whole),
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)) => vec![],
        EventKind::Create(_) => each(Raw::Name, Sign::Writing),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            each(Raw::Name, Sign::Gone)
        }
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => each(Raw::Name, Sign::Whole),
        // Its two halves were reported before.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if cfg!(target_os = "linux") => vec![],
        EventKind::Modify(ModifyKind::Name(_)) => each(Raw::Name, Sign::Gone),
        EventKind::Modify(_) | EventKind::Any | EventKind::Other => each(Raw::Path, Sign::Writing),
    }
}
