//! What a model is asked: the arguments of a function that calls one.

use super::super::lazy::{Key, Kind, Place, Reader};
use super::super::look::fields::Fields;
use super::super::look::is_conversation;
use super::super::store::UnpackError;
use super::Read;

/// What is asked.
#[derive(Clone, Debug)]
pub enum Prompt {
    /// Messages: their list, and how many.
    Turns(Place, u64),
    /// One text.
    Text(Place),
}

/// A question to a model, as far as arguments tell.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model that is asked.
    pub model: Option<String>,
    /// Settings that are given, in order: `temperature`, `max_tokens` …
    pub parameters: Vec<(String, Place)>,
    /// What the model is told apart from the messages.
    pub system: Option<Place>,
    /// What is asked.
    pub prompt: Prompt,
    /// Names of the tools that it may call.
    pub tools: Vec<String>,
    /// Arguments that are none of these.
    pub others: Vec<(String, Place)>,
}

const PROMPTS: [&str; 8] =
    ["messages", "contents", "input", "prompt", "history", "chat_history", "conversation", "question"];
const SYSTEMS: [&str; 5] =
    ["system", "instructions", "system_prompt", "system_instruction", "systemInstruction"];
const MODELS: [&str; 3] = ["model", "model_name", "model_id"];
const PARAMETERS: [&str; 28] = [
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "maxOutputTokens",
    "stop",
    "stop_sequences",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "logprobs",
    "response_format",
    "response_mime_type",
    "response_schema",
    "candidate_count",
    "reasoning",
    "reasoning_effort",
    "verbosity",
    "thinking",
    "tool_choice",
    "parallel_tool_calls",
    "service_tier",
    "stream",
];
/// Arguments that gather others.
const GATHERED: [&str; 12] = [
    "kwargs",
    "params",
    "parameters",
    "request",
    "body",
    "payload",
    "config",
    "options",
    "settings",
    "generation_config",
    "generationConfig",
    "model_kwargs",
];
/// Tools that are named.
const TOOLS: usize = 50;

/// The question in a call's arguments, when they hold one: messages, or a text beside a model's name or settings.
pub fn request(reader: &Reader<'_>, place: &Place) -> Result<Option<Request>, UnpackError> {
    let Some(fields) = Fields::of(reader, place)? else { return Ok(None) };
    let mut found = Found::default();
    for child in &fields.fields {
        let Key::Name(name) = &child.key else { return Ok(None) };
        found.take(reader, name, &child.place, true)?;
    }
    let says_so = found.model.is_some() || !found.parameters.is_empty();
    let (prompt, others) = match (found.turns, found.text) {
        (Some(turns), None) => (turns, found.others),
        // A text beside messages is no second question.
        (Some(turns), Some(text)) => (turns, found.others.into_iter().chain([text]).collect()),
        (None, Some((_, text))) if says_so => (Prompt::Text(text), found.others),
        _ => return Ok(None),
    };
    Ok(Some(Request {
        model: found.model,
        parameters: found.parameters,
        system: found.system,
        prompt,
        tools: found.tools,
        others,
    }))
}

#[derive(Default)]
struct Found {
    model: Option<String>,
    parameters: Vec<(String, Place)>,
    system: Option<Place>,
    turns: Option<Prompt>,
    text: Option<(String, Place)>,
    tools: Vec<String>,
    others: Vec<(String, Place)>,
}

impl Found {
    fn take(&mut self, reader: &Reader<'_>, name: &str, place: &Place, outer: bool) -> Read<()> {
        let shape = reader.shape(place)?;
        if shape.kind == Kind::None {
            return Ok(());
        }
        let list = matches!(shape.kind, Kind::List | Kind::Tuple);
        if PROMPTS.contains(&name)
            && list
            && self.turns.is_none()
            && is_conversation(reader, place, shape.count)?
        {
            self.turns = Some(Prompt::Turns(place.clone(), shape.count));
        } else if PROMPTS.contains(&name) && shape.kind == Kind::Str && self.text.is_none() {
            self.text = Some((name.to_owned(), place.clone()));
        } else if MODELS.contains(&name) && shape.kind == Kind::Str && self.model.is_none() {
            self.model = Some(reader.text(place, 0, 200)?.text);
        } else if SYSTEMS.contains(&name) && (shape.kind == Kind::Str || list) && self.system.is_none() {
            self.system = Some(place.clone());
        } else if PARAMETERS.contains(&name) {
            self.parameters.push((name.to_owned(), place.clone()));
        } else if name == "tools" && list {
            self.tools = tools(reader, place)?;
        } else if outer
            && GATHERED.contains(&name)
            && let Some(fields) = Fields::of(reader, place)?
        {
            for child in &fields.fields {
                self.take(reader, &child.key.words(), &child.place, false)?;
            }
        } else {
            self.others.push((name.to_owned(), place.clone()));
        }
        Ok(())
    }
}

/// `{type, function: {name}}`, `{name, input_schema}`, `{function_declarations: [{name}]}`.
fn tools(reader: &Reader<'_>, list: &Place) -> Read<Vec<String>> {
    let mut out = Vec::new();
    for child in reader.children(list, 0, TOOLS)? {
        let Some(tool) = Fields::of(reader, &child.place)? else { continue };
        let inner = tool.inner("function")?;
        let named = inner.as_ref().unwrap_or(&tool);
        if let Some(name) = named.text("name")? {
            out.push(name);
            continue;
        }
        let mut declared = tool.items("function_declarations")?;
        declared.extend(tool.items("functionDeclarations")?);
        for place in declared {
            out.extend(Fields::of(reader, &place)?.map(|one| one.text("name")).transpose()?.flatten());
        }
        // Tools of the provider's own: `{type: "web_search"}`.
        if out.is_empty() {
            out.extend(tool.text("type")?);
        }
    }
    Ok(out)
}
