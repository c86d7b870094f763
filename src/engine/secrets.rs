//! Which secrets a project has: the variables that `secrets` in tl-bench.toml names, and the formats of well-known keys.

use std::sync::{Arc, OnceLock};

use crate::base::clock::{Clock as _, SystemClock};
use crate::base::secrets::{Redactor, key};

/// A project's secrets. Cheap to clone; the environment and the user's key are read when they are needed first.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    names: Vec<String>,
    keep: bool,
    /// Markers tell different secrets apart.
    tagged: bool,
    redactor: OnceLock<Arc<Redactor>>,
}

impl PartialEq for Secrets {
    fn eq(&self, other: &Self) -> bool {
        self.0.names == other.0.names && self.0.keep == other.0.keep
    }
}

impl Secrets {
    /// The secrets in these variables. `keep`: values that hold some are kept for reuse, apart from what is shown.
    pub fn new(names: Vec<String>, keep: bool) -> Self {
        Secrets(Arc::new(Inner { names, keep, tagged: true, redactor: OnceLock::new() }))
    }

    /// The same with markers that are alike on all machines, for what is compared with other machines.
    pub fn untagged(&self) -> Self {
        let names = self.0.names.clone();
        Secrets(Arc::new(Inner { names, keep: false, tagged: false, redactor: OnceLock::new() }))
    }

    /// The variables.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Whether values with secrets are kept for reuse.
    pub fn keeps(&self) -> bool {
        self.0.keep
    }

    /// What finds them.
    pub fn redactor(&self) -> Arc<Redactor> {
        let make = || {
            use std::os::unix::ffi::OsStrExt as _;
            let value = |name: &String| {
                let value = std::env::var_os(name)?;
                Some((name.clone(), value.as_bytes().to_vec()))
            };
            let key = self.0.tagged.then(|| key::load(|| SystemClock.random()));
            Arc::new(Redactor::new(self.0.names.iter().filter_map(value).collect(), key))
        };
        self.0.redactor.get_or_init(make).clone()
    }
}
