// Asks the service that the page came from, and no other.

import { $ } from "./elements.js";

const KEY = "gearhead-key";
const key = () => localStorage.getItem(KEY);
export const keep = (key) => localStorage.setItem(KEY, key);

export async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (key()) headers.Authorization = `Bearer ${key()}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service does not answer. Is it still running?");
  }
  if (response.ok) return response;
  if (response.status === 401) {
    $("key-form").hidden = false;
    $("key").focus();
    throw new Error(key() ? "The service does not know this key." : "This service asks for a key.");
  }
  const failure = await response.json().catch(() => null);
  const wait = response.headers.get("Retry-After");
  const message = failure?.error?.message ?? `The service answered ${response.status}.`;
  throw Object.assign(new Error(message), { retryAfter: wait ? Number(wait) : null });
}

export const post = (path, body, options = {}) =>
  ask(path, {
    method: "POST",
    body: JSON.stringify(body),
    ...options,
    headers: { "Content-Type": "application/json", ...options.headers },
  });

/** Events of a stream, each as its name and its data. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      let name = "message";
      let data = "";
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        if (line.startsWith("data:")) data += line.slice(5).trim();
      }
      if (data) yield [name, JSON.parse(data)];
    }
  }
}
