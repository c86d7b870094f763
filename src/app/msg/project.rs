//! The project and its settings files, as far as the workbench shows them.

/// The project as far as the workbench shows it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ProjectInfo {
    /// Its name.
    pub name: String,
    /// Absolute path of its folder.
    pub root: String,
    /// Its applications, in the order of the source.
    pub applications: Vec<AppInfo>,
    /// What is wrong with its source: one sentence each.
    pub problems: Vec<String>,
    /// Its source is still read: applications and problems are not known yet.
    pub unread: bool,
}

/// One application.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AppInfo {
    /// Name of the function.
    pub name: String,
    /// Absolute path of its file.
    pub file: String,
    /// 1-based line.
    pub line: u32,
    /// Its parameters in order.
    pub params: Vec<Param>,
}

/// A parameter of an application.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// The type hint as written.
    pub hint: Option<String>,
    /// The default as written.
    pub default: Option<String>,
}

/// A file that was read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SourceFile {
    /// Its path as the user knows it; a theme's name for a theme.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// The files that settings are made of.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sources {
    /// The user's, then the project's.
    pub files: Vec<SourceFile>,
    /// The user's themes by name.
    pub themes: Vec<SourceFile>,
}
