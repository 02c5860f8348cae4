//! The prompt of a case for programs that know a conversation and no case: the machine is the system's message, the
//! complaint the user's. Codes have no place there.

/// As a Jinja template, which transformers, vLLM and llama.cpp fill in.
pub const CHAT_TEMPLATE: &str = "\
{%- set said = namespace(machine='', complaint='') -%}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{%- set said.machine = message['content'] -%}
{%- elif message['role'] == 'user' -%}{%- set said.complaint = message['content'] -%}{%- endif -%}
{%- endfor -%}
<s><equipment>{% if said.machine %} {{ said.machine | trim | lower }}{% endif %}\
<symptom>{% if said.complaint %} {{ said.complaint | trim | lower }}{% endif %}\
<error> none<cause>";

/// As a template of Ollama, which cannot put a text into lower case.
pub const OLLAMA_TEMPLATE: &str = "\
<s><equipment>{{ if .System }} {{ .System }}{{ end }}<symptom>{{ if .Prompt }} {{ .Prompt }}{{ end }}<error> none<cause>";
