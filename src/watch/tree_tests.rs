//! The watch on real folders, and with a system that refuses.

use super::*;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

const LIMIT: Duration = Duration::from_secs(20);

struct Watched {
    dir: tempfile::TempDir,
    root: PathBuf,
    watch: Option<TreeWatch>,
    reports: Receiver<Report>,
    interest: Interest,
}

/// A project with `app.py` and `pkg/a.py` whose folders are attended to.
fn watched(make: Make, source: Source) -> Watched {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("pkg")).unwrap();
    for name in ["app.py", "pkg/a.py"] {
        std::fs::write(root.join(name), "x = 1\n").unwrap();
    }
    let interest = Interest { sources: [root.clone(), root.join("pkg")].into(), ..Interest::default() };
    let (send, reports) = channel();
    let watch = TreeWatch::with(make, source, interest.clone(), move |report| {
        let _ = send.send(report);
    });
    Watched { dir, root, watch: Some(watch.unwrap()), reports, interest }
}

impl Watched {
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.root.join(name), text).unwrap();
    }

    /// Reads reports until one tells of this path; what else it told of.
    fn until(&self, name: &str) -> Vec<PathBuf> {
        let wanted = self.root.join(name);
        loop {
            match self.reports.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("no report of {name}")) {
                Report::Changed(changes) if changes.all || changes.paths.contains(&wanted) => {
                    return changes.paths;
                }
                Report::Changed(_) => {}
                Report::Notice(text) => panic!("{text}"),
            }
        }
    }
}

#[test]
fn a_save_is_reported_and_what_does_not_matter_is_not() {
    let it = watched(machine(), Source::Events);
    for noise in [".app.py.swp", "4913", "app.py~", "notes.txt", ".#app.py"] {
        it.write(noise, "x");
        std::fs::remove_file(it.root.join(noise)).unwrap();
    }
    it.write("pkg/a.py", "x = 2\n");
    assert_eq!(it.until("pkg/a.py"), [it.root.join("pkg/a.py")]);
    // Reading, also our own, is no change.
    assert_eq!(std::fs::read_to_string(it.root.join("app.py")).unwrap(), "x = 1\n");
    it.write("app.py", "x = 3\n");
    assert_eq!(it.until("app.py"), [it.root.join("app.py")]);
}

#[test]
fn an_atomic_save_is_one_report_of_the_file() {
    let it = watched(machine(), Source::Events);
    it.write("app.py.tmp", "x = 2\n");
    std::fs::rename(it.root.join("app.py.tmp"), it.root.join("app.py")).unwrap();
    assert_eq!(it.until("app.py"), [it.root.join("app.py")]);
}

#[test]
fn a_new_folder_is_reported_with_what_is_already_in_it() {
    let mut it = watched(machine(), Source::Events);
    std::fs::create_dir(it.root.join("new")).unwrap();
    it.write("new/b.py", "x = 1\n");
    it.until("new");
    it.interest.sources.insert(it.root.join("new"));
    it.watch.as_ref().unwrap().attend(it.interest.clone());
    it.until("new");
    it.write("new/b.py", "x = 2\n");
    it.until("new/b.py");
}

#[test]
fn a_folder_that_was_replaced_is_watched_anew() {
    let it = watched(machine(), Source::Events);
    std::fs::rename(it.root.join("pkg"), it.root.join("old")).unwrap();
    it.until("pkg");
    std::fs::create_dir(it.root.join("pkg")).unwrap();
    it.write("pkg/a.py", "x = 2\n");
    it.until("pkg");
    it.write("pkg/a.py", "x = 3\n");
    it.until("pkg/a.py");
    std::fs::remove_dir_all(it.root.join("pkg")).unwrap();
    it.until("pkg");
    // As a branch switch does it: everything at once.
    std::fs::create_dir(it.root.join("pkg")).unwrap();
    for i in 0..300 {
        it.write(&format!("pkg/m{i}.py"), "x = 1\n");
    }
    it.until("pkg");
    it.write("pkg/m7.py", "x = 2\n");
    it.until("pkg/m7.py");
}

#[test]
fn a_file_that_comes_into_a_folder_that_was_not_there_is_reported() {
    let mut it = watched(machine(), Source::Events);
    it.interest.files.insert(it.root.join("data/deep/prompt.txt"));
    it.interest.listed.insert(it.root.join("docs"));
    it.watch.as_ref().unwrap().attend(it.interest.clone());
    std::fs::create_dir_all(it.root.join("data/deep")).unwrap();
    it.write("data/deep/prompt.txt", "hello");
    loop {
        // Depending on who is faster the file is told of by itself or with its folder.
        let told = it.reports.recv_timeout(LIMIT).unwrap();
        if matches!(&told, Report::Changed(c) if c.touch(&it.root.join("data/deep/prompt.txt"))) {
            break;
        }
    }
    std::fs::create_dir(it.root.join("docs")).unwrap();
    it.until("docs");
    it.write("docs/any.pdf", "x");
    it.until("docs/any.pdf");
}

#[test]
fn polling_sees_saves_too() {
    let it = watched(machine(), Source::Polling);
    it.write("pkg/a.py", "longer = 2\n");
    it.until("pkg/a.py");
}

/// A system that grants so many watches by events and then no more; polling it grants always.
struct Stingy {
    left: usize,
    watched: Arc<Mutex<Vec<(Source, PathBuf)>>>,
    source: Source,
}

impl Backend for Stingy {
    fn watch(&mut self, folder: &Path) -> Result<(), Refused> {
        if self.source == Source::Events {
            self.left =
                self.left.checked_sub(1).ok_or_else(|| Refused::Hopeless("no watches left".into()))?;
        }
        self.watched.lock().unwrap().push((self.source, folder.to_path_buf()));
        Ok(())
    }
    fn unwatch(&mut self, _: &Path) {}
}

#[test]
fn without_watches_files_are_polled_and_the_user_is_told_once() {
    let held = Arc::new(Mutex::new(Vec::new()));
    let watched_by = held.clone();
    let make: Make = Box::new(move |source, _| {
        Ok(Box::new(Stingy { left: 1, watched: watched_by.clone(), source }) as Box<dyn Backend>)
    });
    let it = watched(make, Source::Events);
    let told = it.reports.recv_timeout(LIMIT).unwrap();
    assert_eq!(told, Report::Notice("no watches left; files are looked at every 1 s instead".to_owned()));
    let polled: Vec<PathBuf> =
        held.lock().unwrap().iter().filter(|(s, _)| *s == Source::Polling).map(|(_, p)| p.clone()).collect();
    assert_eq!(polled, [it.root.clone(), it.root.join("pkg")]);
    assert!(it.reports.try_recv().is_err());
}

#[test]
fn an_idle_watch_reports_nothing_and_ends_with_its_owner() {
    let mut it = watched(machine(), Source::Events);
    it.watch = None;
    // The thread drops the reporter, and with it the channel's other end.
    match it.reports.recv_timeout(LIMIT) {
        Ok(report) => panic!("{report:?}"),
        Err(error) => assert_eq!(error, RecvTimeoutError::Disconnected),
    }
    assert!(it.dir.path().exists());
}
