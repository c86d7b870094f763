//! A recorder below the whole process: every write, cut, sync, name and removal in one folder, in order.
//!
//! The functions of the C library through which SQLite and Rust's own library reach files have namesakes here. The linker
//! prefers those of the program, so that nothing that is written past SQLite is missed. Each calls the real one; a write is
//! recorded after it was made, a sync with the length that the record had before it began: it covers what was written
//! before, and nothing that came while it went on.
#![allow(unsafe_code, reason = "functions of the C library")]

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use nix::libc::{self, mode_t, off64_t, size_t, ssize_t};

/// One thing that happened in the folder. A file is named as it was then; the folder itself has no name.
#[derive(Clone, Debug)]
pub enum Op {
    Write {
        file: String,
        at: usize,
        data: Vec<u8>,
    },
    Cut {
        file: String,
        size: usize,
    },
    /// What was recorded of it before `begun` is on disk.
    Sync {
        file: String,
        begun: usize,
    },
    Name {
        from: String,
        to: String,
    },
    Remove {
        file: String,
    },
    /// A caller was told.
    Ack {
        what: String,
    },
}

#[derive(Default)]
struct Recorder {
    folder: PathBuf,
    ops: Vec<Op>,
}

static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);
/// Spares everything else in this process the look at a file's name.
static RECORDING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static RESTARTED: Cell<bool> = const { Cell::new(false) };
}

fn recorder() -> MutexGuard<'static, Option<Recorder>> {
    RECORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to record what happens in the folder.
pub fn record(folder: &Path) {
    *recorder() = Some(Recorder { folder: folder.to_owned(), ..Recorder::default() });
    RECORDING.store(true, Ordering::Release);
}

/// Notes that a caller was told something.
pub fn ack(what: String) {
    note(Op::Ack { what });
}

/// Ends the recording and returns it.
pub fn take() -> Vec<Op> {
    RECORDING.store(false, Ordering::Release);
    recorder().take().map_or_else(Vec::new, |recorder| recorder.ops)
}

/// Does something as if the machine had started again: to this thread it is another boot.
pub fn after_a_restart<T>(act: impl FnOnce() -> T) -> T {
    RESTARTED.set(true);
    let outcome = act();
    RESTARTED.set(false);
    outcome
}

fn note(op: Op) {
    if let Some(recorder) = recorder().as_mut() {
        recorder.ops.push(op);
    }
}

fn noted() -> usize {
    recorder().as_ref().map_or(0, |recorder| recorder.ops.len())
}

/// The name of a file in the folder.
fn inside(path: &Path) -> Option<String> {
    let held = recorder();
    let inside = path.strip_prefix(&held.as_ref()?.folder).ok()?;
    Some(inside.to_str()?.to_owned())
}

fn open_file(fd: c_int) -> Option<String> {
    if !RECORDING.load(Ordering::Acquire) {
        return None;
    }
    inside(&std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()?)
}

/// # Safety
/// Nothing, or a string that ends with a zero.
unsafe fn named(name: *const c_char) -> Option<String> {
    if name.is_null() || !RECORDING.load(Ordering::Acquire) {
        return None;
    }
    // SAFETY: as the caller promises.
    let name = unsafe { CStr::from_ptr(name) };
    inside(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())))
}

/// The next function of a name after ours, looked up once.
macro_rules! real {
    ($name:literal: fn($($argument:ty),*) -> $result:ty) => {{
        static REAL: OnceLock<usize> = OnceLock::new();
        // SAFETY: the C library has it, with these arguments.
        let found = *REAL.get_or_init(|| unsafe { libc::dlsym(libc::RTLD_NEXT, $name.as_ptr()) } as usize);
        assert_ne!(found, 0, "{:?} is not there", $name);
        // SAFETY: as above.
        unsafe { std::mem::transmute::<usize, unsafe extern "C" fn($($argument),*) -> $result>(found) }
    }};
}

/// # Safety
/// `data` holds `done` bytes.
unsafe fn wrote(fd: c_int, data: *const c_void, done: ssize_t, at: impl FnOnce() -> off64_t) {
    let Some(done) = usize::try_from(done).ok().filter(|done| *done > 0) else { return };
    let Some(file) = open_file(fd) else { return };
    // SAFETY: as the caller promises.
    let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), done) }.to_vec();
    note(Op::Write { file, at: usize::try_from(at()).unwrap_or(0), data });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, data: *const c_void, size: size_t) -> ssize_t {
    let real = real!(c"write": fn(c_int, *const c_void, size_t) -> ssize_t);
    // SAFETY: as we were called.
    unsafe {
        let done = real(fd, data, size);
        wrote(fd, data, done, || libc::lseek64(fd, 0, libc::SEEK_CUR) - done as off64_t);
        done
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(fd: c_int, data: *const c_void, size: size_t, at: off64_t) -> ssize_t {
    let real = real!(c"pwrite64": fn(c_int, *const c_void, size_t, off64_t) -> ssize_t);
    // SAFETY: as we were called.
    unsafe {
        let done = real(fd, data, size, at);
        wrote(fd, data, done, || at);
        done
    }
}

fn cut(fd: c_int, size: off64_t, outcome: c_int) -> c_int {
    if let Some(file) = open_file(fd).filter(|_| outcome == 0) {
        note(Op::Cut { file, size: usize::try_from(size).unwrap_or(0) });
    }
    outcome
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate(fd: c_int, size: off64_t) -> c_int {
    let real = real!(c"ftruncate": fn(c_int, off64_t) -> c_int);
    // SAFETY: as we were called.
    cut(fd, size, unsafe { real(fd, size) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate64(fd: c_int, size: off64_t) -> c_int {
    let real = real!(c"ftruncate64": fn(c_int, off64_t) -> c_int);
    // SAFETY: as we were called.
    cut(fd, size, unsafe { real(fd, size) })
}

fn synced(fd: c_int, sync: impl FnOnce() -> c_int) -> c_int {
    let begun = noted();
    let outcome = sync();
    if let Some(file) = open_file(fd).filter(|_| outcome == 0) {
        note(Op::Sync { file, begun });
    }
    outcome
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    let real = real!(c"fsync": fn(c_int) -> c_int);
    // SAFETY: as we were called.
    synced(fd, || unsafe { real(fd) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    let real = real!(c"fdatasync": fn(c_int) -> c_int);
    // SAFETY: as we were called.
    synced(fd, || unsafe { real(fd) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let real = real!(c"rename": fn(*const c_char, *const c_char) -> c_int);
    // SAFETY: as we were called.
    unsafe {
        let outcome = real(from, to);
        if let (0, Some(from), Some(to)) = (outcome, named(from), named(to)) {
            note(Op::Name { from, to });
        }
        outcome
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(name: *const c_char) -> c_int {
    let real = real!(c"unlink": fn(*const c_char) -> c_int);
    // SAFETY: as we were called.
    unsafe {
        let outcome = real(name);
        if let (0, Some(file)) = (outcome, named(name)) {
            note(Op::Remove { file });
        }
        outcome
    }
}

/// Where the kernel says which boot this is, and a file whose text is another each time.
const BOOT: &CStr = c"/proc/sys/kernel/random/boot_id";
const OTHER: &CStr = c"/proc/sys/kernel/random/uuid";

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(name: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    let real = real!(c"open64": fn(*const c_char, c_int, mode_t) -> c_int);
    // SAFETY: as we were called; without a mode the third argument is not looked at.
    unsafe {
        let other = RESTARTED.get() && !name.is_null() && CStr::from_ptr(name) == BOOT;
        real(if other { OTHER.as_ptr() } else { name }, flags, mode)
    }
}
