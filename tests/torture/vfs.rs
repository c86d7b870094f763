//! SQLite's own file layer with a recorder in it: every write, cut, sync and removal below one folder, in order.
//!
//! The default VFS is copied and registered again with another `xOpen`, which gives files a copy of the method
//! table with four entries replaced. A write is recorded after it was made, a sync with the length that the record
//! had before it began: it covers what was written before, and nothing that came while it went on.
#![allow(unsafe_code, reason = "an SQLite VFS is a table of C functions")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi;

/// One thing that happened to the folder.
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
    /// What was recorded before `begun` is on disk.
    Sync {
        file: String,
        begun: usize,
    },
    Remove {
        file: String,
    },
    /// A caller was told; `heads` as it was then.
    Ack {
        what: String,
        heads: Vec<u8>,
    },
}

#[derive(Default)]
struct Recorder {
    folder: PathBuf,
    ops: Vec<Op>,
}

type Methods = &'static ffi::sqlite3_io_methods;

struct Real(ffi::sqlite3_vfs);

// SAFETY: a table of functions, never changed.
unsafe impl Sync for Real {}
// SAFETY: as above.
unsafe impl Send for Real {}

static REAL: OnceLock<Real> = OnceLock::new();
static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);
/// Open files that are or were recorded, by address.
static FILES: LazyLock<Mutex<HashMap<usize, (String, Methods)>>> = LazyLock::new(Mutex::default);

fn recorder() -> MutexGuard<'static, Option<Recorder>> {
    RECORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(op: Op) {
    if let Some(recorder) = recorder().as_mut() {
        recorder.ops.push(op);
    }
}

/// An open file's name and the methods that SQLite gave it.
fn known(file: *mut ffi::sqlite3_file) -> Option<(String, Methods)> {
    let held = open_files();
    held.get(&(file as usize)).cloned()
}

fn open_files() -> MutexGuard<'static, HashMap<usize, (String, Methods)>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the recorder in and starts to record what happens below the folder. Once in a process, before SQLite is used.
pub fn record(folder: &Path) {
    *recorder() = Some(Recorder { folder: folder.to_owned(), ..Recorder::default() });
    // SAFETY: the default VFS lives as long as the process; the copy is leaked, and registered once.
    unsafe {
        let default = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(REAL.set(Real(*default)).is_ok(), "recorded twice");
        let mut copy = *default;
        copy.zName = c"recording".as_ptr();
        copy.pNext = std::ptr::null_mut();
        copy.xOpen = Some(open);
        copy.xDelete = Some(delete);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(copy)), 1), ffi::SQLITE_OK);
    }
}

/// Notes that a caller was told something.
pub fn ack(what: String) {
    let mut held = recorder();
    if let Some(recorder) = held.as_mut() {
        let heads = std::fs::read(recorder.folder.join("heads")).unwrap_or_default();
        recorder.ops.push(Op::Ack { what, heads });
    }
}

/// Forgets what was recorded so far.
pub fn restart() {
    if let Some(recorder) = recorder().as_mut() {
        recorder.ops.clear();
    }
}

/// Ends the recording and returns it.
pub fn take() -> Vec<Op> {
    recorder().take().map_or_else(Vec::new, |recorder| recorder.ops)
}

fn inside(name: *const c_char) -> Option<String> {
    // SAFETY: SQLite passes nothing or a string that ends with a zero.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    let path = Path::new(name.to_str().ok()?);
    let held = recorder();
    let inside = path.strip_prefix(&held.as_ref()?.folder).ok()?;
    Some(inside.to_str()?.to_owned())
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let Some(real) = REAL.get() else { return ffi::SQLITE_ERROR };
    let Some(real_open) = real.0.xOpen else { return ffi::SQLITE_ERROR };
    // SAFETY: as SQLite called us; a file that was opened has a table of methods, which is replaced by a leaked one.
    unsafe {
        let code = real_open(vfs, name, file, flags, out);
        if code == ffi::SQLITE_OK
            && let Some(inside) = inside(name)
        {
            let theirs: Methods = &*(*file).pMethods;
            let ours = ffi::sqlite3_io_methods {
                xClose: Some(close),
                xWrite: Some(write),
                xTruncate: Some(truncate),
                xSync: Some(sync),
                ..*theirs
            };
            (*file).pMethods = Box::leak(Box::new(ours));
            open_files().insert(file as usize, (inside, theirs));
        }
        code
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let Some(real_delete) = REAL.get().and_then(|real| real.0.xDelete) else { return ffi::SQLITE_ERROR };
    let inside = inside(name);
    // SAFETY: as SQLite called us.
    let code = unsafe { real_delete(vfs, name, sync) };
    if code == ffi::SQLITE_OK
        && let Some(file) = inside
    {
        note(Op::Remove { file });
    }
    code
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let Some((_, theirs)) = open_files().remove(&(file as usize)) else { return ffi::SQLITE_ERROR };
    // SAFETY: as SQLite called us.
    theirs.xClose.map_or(ffi::SQLITE_ERROR, |real| unsafe { real(file) })
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, data: *const c_void, n: c_int, at: i64) -> c_int {
    let Some((name, theirs)) = known(file) else { return ffi::SQLITE_ERROR };
    // SAFETY: as SQLite called us, with `n` bytes at `data`.
    let (code, data) = unsafe {
        let code = theirs.xWrite.map_or(ffi::SQLITE_ERROR, |real| real(file, data, n, at));
        (code, std::slice::from_raw_parts(data.cast::<u8>(), n as usize).to_vec())
    };
    if code == ffi::SQLITE_OK {
        note(Op::Write { file: name, at: at as usize, data });
    }
    code
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let Some((name, theirs)) = known(file) else { return ffi::SQLITE_ERROR };
    // SAFETY: as SQLite called us.
    let code = theirs.xTruncate.map_or(ffi::SQLITE_ERROR, |real| unsafe { real(file, size) });
    if code == ffi::SQLITE_OK {
        note(Op::Cut { file: name, size: size as usize });
    }
    code
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let Some((name, theirs)) = known(file) else { return ffi::SQLITE_ERROR };
    let begun = recorder().as_ref().map_or(0, |recorder| recorder.ops.len());
    // SAFETY: as SQLite called us.
    let code = theirs.xSync.map_or(ffi::SQLITE_ERROR, |real| unsafe { real(file, flags) });
    if code == ffi::SQLITE_OK {
        note(Op::Sync { file: name, begun });
    }
    code
}
