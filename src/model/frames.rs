//! What a body looks like from inside while it waits for a call: the frames of its stack and what their names stand
//! for. Plain data, shared by the engine, `tl-bench step` and the workbench. Shown, never recorded.

use serde::Serialize;

use super::Frame;
use crate::base::ids::CallNo;

/// One stack in which a call's body waits: a thread's, or an asyncio task's.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Stack {
    /// The call whose body it is.
    pub call: CallNo,
    /// The task's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The innermost first.
    pub frames: Vec<StackFrame>,
    /// Outer frames that are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u64,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A frame and its names.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StackFrame {
    /// File, line, function and code line.
    #[serde(flatten)]
    pub at: Frame,
    /// Arguments first, then in the order of the code.
    pub locals: Vec<Shown>,
    /// Names that are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// What a name, a key or an index stands for, read only.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Shown {
    /// The name; empty for an item.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// In one line.
    pub text: String,
    /// Its class, and how much of it there is where not all is shown: `dict of 3`.
    pub kind: String,
    /// What is in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Shown>,
    /// How much more is in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Stack {
    /// One that cannot be shown.
    pub fn none(call: CallNo, why: impl Into<String>) -> Self {
        Stack { call, why: Some(why.into()), ..Stack::default() }
    }
}
