//! Conversations: turns, calls of tools, questions to models and their answers.

use super::{GLANCE, Read, Rows};
use crate::app::msg::Tokens;
use crate::app::msg::{AnswerHead, ValueRow};
use crate::engine::values::used;
use crate::value::lazy::{Kind, Place};
use crate::value::lens::{Prompt, Request, Response};
use crate::value::look::{self, Part, Prose, Turn};
use crate::value::read_plain_json;

/// Bytes of a tool's arguments that are read.
const ARGUMENTS: usize = 64 << 10;
/// Blocks of a tool's result.
const BLOCKS: usize = 200;

impl Rows<'_, '_> {
    pub(super) fn conversation(&mut self, list: &Place, count: u64) -> Read<()> {
        let mut at = 0;
        while at < count && !self.full() {
            let window = self.reader.children(list, at, 32)?;
            if window.is_empty() {
                break;
            }
            for child in &window {
                if self.full() {
                    break;
                }
                self.turn(&child.place)?;
                at += 1;
            }
        }
        self.left_out(count - at, "message");
        Ok(())
    }

    pub(super) fn turn(&mut self, place: &Place) -> Read<()> {
        let Some(turn) = look::turn(self.reader, place)? else {
            return self.glance(place);
        };
        if !self.rows.is_empty() {
            self.rows.push(ValueRow::Text { text: String::new(), markdown: false });
        }
        let note = turn.answers.as_ref().map(|id| format!("answers {id}"));
        self.says(&turn, note)
    }

    /// Who says what.
    fn says(&mut self, turn: &Turn, note: Option<String>) -> Read<()> {
        self.rows.push(ValueRow::Turn { role: turn.role.clone(), name: turn.name.clone(), note });
        turn.parts.iter().try_for_each(|part| self.part(part, 0))
    }

    fn part(&mut self, part: &Part, level: usize) -> Read<()> {
        match part {
            Part::Text(place) => self.said(place)?,
            Part::Thinking(place) => {
                self.rows.push(ValueRow::Fact("thinking".to_owned()));
                self.said(place)?;
            }
            Part::ToolCall { id, name, arguments } => {
                let arguments = match arguments {
                    Some(place) => self.arguments(place)?,
                    None => String::new(),
                };
                self.rows.push(ValueRow::Tool { name: name.clone(), text: arguments, note: id.clone() });
            }
            Part::ToolResult { id, content, failed } => {
                let name = if *failed { "tool failed" } else { "tool gave" }.to_owned();
                self.rows.push(ValueRow::Tool { name, text: String::new(), note: id.clone() });
                if let Some(place) = content {
                    self.result(place, level)?;
                }
            }
            Part::Attachment(place) => self.attachment(place)?,
            Part::Other(place) => match look::carried(self.reader, place)? {
                Some(file) => self.carried(&file),
                None => self.glance(place)?,
            },
        }
        Ok(())
    }

    /// What a tool gave: a text, or blocks as a message has them.
    fn result(&mut self, place: &Place, level: usize) -> Read<()> {
        let shape = self.reader.shape(place)?;
        if !matches!(shape.kind, Kind::List | Kind::Tuple) || level > 0 {
            return self.said(place);
        }
        for child in self.reader.children(place, 0, BLOCKS)? {
            let parts = look::blocks(self.reader, &child.place)?;
            parts.iter().try_for_each(|part| self.part(part, level + 1))?;
        }
        self.left_out(shape.count.saturating_sub(BLOCKS as u64), "block");
        Ok(())
    }

    fn glance(&mut self, place: &Place) -> Read<()> {
        let glance = self.reader.glance(place, GLANCE)?;
        self.rows.push(ValueRow::Text { text: glance, markdown: false });
        Ok(())
    }

    /// A file that a message brings, or where it is.
    fn attachment(&mut self, place: &Place) -> Read<()> {
        if let Some(file) = look::carried(self.reader, place)? {
            self.carried(&file);
            return Ok(());
        }
        let fact = match look::linked(self.reader, place)? {
            Some(address) => format!("attachment at {address}"),
            None => format!("attachment {}", self.reader.glance(place, 80)?),
        };
        self.rows.push(ValueRow::Fact(fact));
        Ok(())
    }

    /// What a tool is called with, one line each; JSON in a string is read.
    fn arguments(&self, place: &Place) -> Read<String> {
        let mut place = place.clone();
        if self.reader.shape(&place)?.kind == Kind::Str {
            let window = self.reader.text(&place, 0, ARGUMENTS)?;
            match read_plain_json(&window.text) {
                Ok(value) if window.to == window.total && value.fields().is_some() => {
                    place = Place::from(value)
                }
                _ => return Ok(window.text),
            }
        }
        if self.reader.shape(&place)?.kind != Kind::Dict {
            return self.reader.glance(&place, GLANCE);
        }
        let mut lines = Vec::new();
        for child in self.reader.children(&place, 0, 50)? {
            lines.push(format!("{}  {}", child.key.words(), self.reader.glance(&child.place, GLANCE)?));
        }
        Ok(lines.join("\n"))
    }

    pub(super) fn response(&mut self, response: &Response) -> Read<AnswerHead> {
        let many = response.answers.len() > 1;
        for answer in &response.answers {
            if !self.rows.is_empty() {
                self.rows.push(ValueRow::Text { text: String::new(), markdown: false });
            }
            self.says(&answer.turn, answer.finish.clone().filter(|_| many))?;
        }
        let tokens = response.tokens.clone().map(|tokens| Tokens::of(&used(tokens)));
        let finish = response.answers.first().and_then(|answer| answer.finish.clone()).filter(|_| !many);
        Ok(AnswerHead { model: response.model.clone(), finish, tokens, pieces: response.pieces })
    }

    pub(super) fn request(&mut self, request: &Request) -> Read<()> {
        let mut facts: Vec<String> = request.model.clone().into_iter().collect();
        for (name, place) in &request.parameters {
            facts.push(format!("{name} {}", self.reader.glance(place, 80)?));
        }
        if !request.tools.is_empty() {
            facts.push(format!("tools {}", request.tools.join(", ")));
        }
        if !facts.is_empty() {
            self.rows.push(ValueRow::Fact(facts.join("   ")));
        }
        for (name, place) in &request.others {
            self.rows.push(ValueRow::Fact(format!("{name}  {}", self.reader.glance(place, GLANCE)?)));
        }
        let speaks = |rows: &mut Self, role: &str, place: &Place| -> Read<()> {
            if !rows.rows.is_empty() {
                rows.rows.push(ValueRow::Text { text: String::new(), markdown: false });
            }
            let turn =
                Turn { role: role.to_owned(), parts: vec![Part::Text(place.clone())], ..Turn::default() };
            rows.says(&turn, None)
        };
        if let Some(system) = &request.system {
            speaks(self, "system", system)?;
        }
        match &request.prompt {
            Prompt::Turns(list, count) => self.conversation(list, *count),
            Prompt::Text(text) => speaks(self, "user", text),
        }
    }

    /// A string as it reads; anything else in one line.
    fn said(&mut self, place: &Place) -> Read<()> {
        if let Some(file) = look::carried(self.reader, place)? {
            self.carried(&file);
            return Ok(());
        }
        let shape = self.reader.shape(place)?;
        if shape.kind == Kind::Str {
            return self.text(place, Prose::Markdown);
        }
        self.glance(place)
    }
}
