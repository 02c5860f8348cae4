// The page of `gearhead serve`: the form, the diagnosis, feedback and history.

import { $, make } from "./elements.js";
import { causes, codeItem, percent, sections } from "./report.js";
import { ask, events, keep, post } from "./service.js";

const state = {
  case: null,
  report: null,
  number: null, // under which the diagnosis is kept
  asking: null, // the request under way
};

// What was ticked on the report.
const answers = {
  found: new Map(), // "fault:test" to the number of the result
  tests: new Map(), // "fault:test" to the test, also of earlier reports
  safe: new Set(), // safety steps
  take(name, result) {
    if (result === null) answers.found.delete(name);
    else answers.found.set(name, result);
    diagnose(state.case, false);
  },
  clear() {
    for (const part of [answers.found, answers.tests, answers.safe]) part.clear();
  },
};

function problem(message) {
  $("problem").textContent = message ?? "";
  $("problem").hidden = !message;
}

// --- The form

function splitCodes(text) {
  return text.trim() ? [text.trim()] : [];
}

function readCase() {
  const found = { equipment: $("equipment").value.trim(), symptom: $("symptom").value.trim() };
  const codes = splitCodes($("codes").value);
  if (codes.length) found.error_codes = codes;
  if ($("serial").value.trim()) found.serial = $("serial").value.trim();
  const hours = $("hours").value.trim().replace(",", ".");
  if (hours) found.hours = Number(hours);
  return found;
}

/** Names the first field that lacks something. */
function check(found) {
  const faults = [
    ["equipment", !found.equipment && "Say which machine it is."],
    ["symptom", !found.symptom && "Say what is wrong."],
    ["hours", "hours" in found && !(found.hours >= 0) && "Hours must be a number."],
  ];
  let first = null;
  for (const [id, fault] of faults) {
    $(id).toggleAttribute("aria-invalid", false);
    if (fault) {
      $(id).setAttribute("aria-invalid", "true");
      first ??= [id, fault];
    }
  }
  problem(first?.[1]);
  if (first) $(first[0]).focus();
  return !first;
}

$("case-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const found = readCase();
  if (!check(found)) return;
  answers.clear();
  state.number = null;
  diagnose(found, true);
});

$("case-form").addEventListener("reset", () => {
  state.asking?.abort();
  for (const id of ["report", "feedback-form"]) $(id).hidden = true;
  for (const id of ["decoded", "log-notes", "progress"]) $(id).replaceChildren();
  problem();
  $("equipment").focus();
});

let decoding;
$("codes").addEventListener("input", () => {
  clearTimeout(decoding);
  decoding = setTimeout(decode, 200);
});

async function decode() {
  const text = $("codes").value;
  if (!text.trim()) return $("decoded").replaceChildren();
  try {
    const { codes, observations } = await (await post("/v1/codes", { codes: text })).json();
    if (text !== $("codes").value) return;
    $("decoded").replaceChildren(...codes.map(codeItem), ...observations.map((it) => make("li", {}, it.finding)));
  } catch (error) {
    problem(error.message);
  }
}


for (const name of ["dragenter", "dragover"]) {
  $("drop").addEventListener(name, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  $("drop").addEventListener(name, () => $("drop").classList.remove("over"));
}
$("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  readLog(event.dataTransfer.files[0]);
});
$("log").addEventListener("change", () => readLog($("log").files[0]));

async function readLog(file) {
  if (!file) return;
  problem();
  $("log-notes").replaceChildren(make("li", {}, `Reading ${file.name} …`));
  try {
    const log = await (await ask("/v1/codes/log", { method: "POST", body: file })).json();
    if (log.error_codes.length) $("codes").value = log.error_codes.join(", ");
    if (!$("equipment").value && log.machines.length) $("equipment").value = log.machines[0];
    if (!$("symptom").value && log.symptom) $("symptom").value = log.symptom;
    const count = `${file.name}: ${log.codes.length} ${log.codes.length === 1 ? "code" : "codes"}`;
    const several = log.machines.length > 1 ? [`Machines with a fault: ${log.machines.join(", ")}`] : [];
    $("log-notes").replaceChildren(...[count, ...several, ...log.notes].map((note) => make("li", {}, note)));
    decode();
  } catch (error) {
    $("log-notes").replaceChildren();
    problem(`${file.name}: ${error.message}`);
  }
}

// --- The diagnosis

async function diagnose(found, isNew) {
  state.asking?.abort();
  const asking = (state.asking = new AbortController());
  state.case = found;
  problem();
  $("ask").disabled = isNew;
  const body = { ...found, found: findings() };
  const path = state.number ? `/v1/diagnose?replaces=${state.number}` : "/v1/diagnose";
  const options = { headers: { Accept: "text/event-stream" }, signal: asking.signal };
  const written = {};
  if (isNew) {
    $("progress").textContent = "Reading the complaint …";
    $("report").hidden = $("feedback-form").hidden = true;
  }
  try {
    for await (const [name, data] of events(await post(path, body, options))) {
      if (asking.signal.aborted) return;
      if (name === "ranked" && isNew) {
        $("progress").textContent = "Causes are ranked; writing …";
        $("report").replaceChildren(make("h2", {}, "Probable causes"), causes(data.causes));
        $("report").hidden = false;
      } else if (name === "wrote" && isNew) {
        written[data.part] = (written[data.part] ?? "") + data.text;
        $("progress").textContent = Object.values(written).join(" ");
      } else if (name === "report") {
        show(data, isNew);
      } else if (name === "kept") {
        state.number = data.diagnosis;
      } else if (name === "error") {
        throw new Error(data.message);
      }
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    problem(error.message);
    $("progress").textContent = "";
    if (error.retryAfter) {
      const wait = error.retryAfter * 1000;
      $("progress").textContent = `Asking again in ${error.retryAfter} s …`;
      setTimeout(() => !asking.signal.aborted && diagnose(found, isNew), wait);
    }
  } finally {
    if (state.asking === asking) $("ask").disabled = false;
  }
}

function findings() {
  return [...answers.found].map(([name, outcome]) => {
    const at = name.lastIndexOf(":");
    return { fault: name.slice(0, at), test: Number(name.slice(at + 1)), outcome };
  });
}

function show(report, isNew) {
  state.report = report;
  const focused = document.activeElement?.id;
  $("report").replaceChildren(...sections(report, answers));
  $("report").hidden = false;
  $("progress").textContent = isNew ? "" : "Causes ranked anew.";
  about(report);
  offerFeedback(report, isNew);
  if (isNew) $("report").focus();
  else if (focused) $(focused)?.focus();
}

function about(report) {
  $("about").textContent = `Model ${report.model}, knowledge ${report.knowledge}. No diagnosis replaces the manual or the eye.`;
}

// --- Feedback

function offerFeedback(report, isNew) {
  if (!isNew || report.declined) return;
  const faults = report.causes.filter((cause) => cause.fault);
  $("fault").replaceChildren(
    make("option", { value: "" }, "Something else (say below)"),
    ...faults.map((cause) => make("option", { value: cause.fault }, cause.cause)),
  );
  for (const id of ["found-cause", "found-solution"]) $(id).value = "";
  $("feedback-done").textContent = "";
  $("feedback-form").hidden = false;
}

$("feedback-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const finding = { case: state.report.case };
  if ($("fault").value) finding.fault = $("fault").value;
  if ($("found-cause").value.trim()) finding.probable_cause = $("found-cause").value.trim();
  if ($("found-solution").value.trim()) finding.solution = $("found-solution").value.trim();
  if (!finding.fault && !finding.probable_cause) {
    $("feedback-done").textContent = "Choose a cause, or say what it was.";
    $("found-cause").focus();
    return;
  }
  try {
    await post("/v1/feedback", finding);
    $("feedback-done").textContent = "Kept. Thank you.";
  } catch (error) {
    $("feedback-done").textContent = error.message;
  }
});

// --- History

function view(name) {
  for (const other of ["diagnose", "history"]) {
    $(`${other}-view`).hidden = other !== name;
    $(`show-${other}`).toggleAttribute("aria-current", other === name);
  }
  problem();
}

$("show-diagnose").addEventListener("click", () => view("diagnose"));
$("show-history").addEventListener("click", () => {
  view("history");
  $("history").replaceChildren();
  older();
});
$("more").addEventListener("click", () => older($("history").lastElementChild?.dataset.id));

async function older(before) {
  const limit = 30;
  try {
    const path = `/v1/history?limit=${limit}${before ? `&before=${before}` : ""}`;
    const page = await (await ask(path)).json();
    $("history").append(...page.diagnoses.map(entry));
    $("more").hidden = page.diagnoses.length < limit;
    const empty = $("history").childElementCount ? "" : "Nothing yet.";
    $("history-note").textContent = page.is_kept ? empty : "New diagnoses are not kept.";
  } catch (error) {
    $("history-note").textContent = error.message;
    $("more").hidden = true;
  }
}

function entry(it) {
  const cause = it.cause ? `${it.cause} (${percent(it.probability)})` : "no diagnosis";
  const when = new Date(it.made_at).toLocaleString();
  const text = [`${it.equipment}: ${it.symptom}`, make("small", {}, `${when}: ${cause}`)];
  const item = make("li", { "data-id": it.id });
  const remove = async () => {
    await ask(`/v1/history/${it.id}`, { method: "DELETE" }).catch((error) => problem(error.message));
    item.remove();
    $("show-history").focus();
  };
  item.append(
    make("button", { type: "button", class: "open", onclick: () => reopen(it.id) }, ...text),
    make("button", { type: "button", "aria-label": `Delete: ${it.equipment}: ${it.symptom}`, onclick: remove }, "Delete"),
  );
  return item;
}

async function reopen(id) {
  try {
    const kept = await (await ask(`/v1/history/${id}`)).json();
    const { case: found } = kept.report;
    view("diagnose");
    $("equipment").value = found.equipment;
    $("symptom").value = found.symptom;
    $("codes").value = (found.error_codes ?? []).join(", ");
    $("serial").value = found.serial ?? "";
    $("hours").value = found.hours ?? "";
    state.case = found;
    state.number = id;
    answers.clear();
    for (const it of kept.found) answers.found.set(`${it.fault}:${it.test}`, it.outcome);
    show(kept.report, true);
    decode();
  } catch (error) {
    problem(error.message);
  }
}

// --- Setting out

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keep($("key").value.trim());
  $("key-form").hidden = true;
  problem();
  begin();
});

async function begin() {
  try {
    const machines = await (await ask("/v1/knowledge/machines")).json();
    const names = machines.flatMap((machine) => machine.names).sort();
    $("machines").replaceChildren(...names.map((name) => make("option", { value: name })));
    const { data } = await (await ask("/v1/models")).json();
    $("about").textContent = `Model ${data[0].id}, knowledge ${data[0].knowledge}.`;
    if (!data[0].diagnoses) problem("This model was not trained for diagnosis: it only writes text.");
  } catch (error) {
    problem(error.message);
  }
}

begin();
