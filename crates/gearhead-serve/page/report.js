// A report as elements of the page.

import { $, make } from "./elements.js";

const VERDICTS = {
  stop: "Stop: do not run the machine.",
  finish_and_park: "Finish what you are doing and park the machine.",
  plan: "Plan the repair; the machine may run until then.",
};

export const percent = (probability) => `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)} %`;

/** The parts of a report, the most urgent first. `answers` holds what was ticked, and `take` is told of more. */
export function sections(report, answers) {
  const sections = [
    make("p", { class: `verdict ${report.verdict}` }, VERDICTS[report.verdict] ?? report.verdict),
    safety(report, answers),
    report.declined && make("p", { class: "problem" }, report.declined.message),
    machine(report),
    codes(report),
  ];
  if (report.causes.length) {
    const title = report.abstained ? "Possible causes" : "Probable causes";
    sections.push(make("h2", {}, title));
    if (report.abstained) sections.push(make("p", {}, "Too uncertain to stand as an answer. ", missing(report)));
    sections.push(causes(report.causes), tests(report, answers), texts(report), similar(report), workOrder(report));
  }
  return sections.filter(Boolean);
}

export function codeItem(code) {
  const meaning = code.meaning ?? "not in any table";
  const mode = code.failure_mode ? `: ${code.failure_mode}` : "";
  return make("li", {}, make("code", {}, code.code), ` ${meaning}${mode}`);
}

function safety(report, answers) {
  if (!report.safety.length) return null;
  const step = (text) => {
    const onchange = ({ target }) => (target.checked ? answers.safe.add(text) : answers.safe.delete(text));
    const box = make("input", { type: "checkbox", checked: answers.safe.has(text), onchange });
    return make("li", {}, make("label", {}, box, make("span", {}, text)));
  };
  return make(
    "section",
    { class: "safety", "aria-label": "Safety" },
    make("h2", {}, "First, be safe"),
    make("ul", {}, ...report.safety.map(step)),
  );
}

function machine(report) {
  const mended = report.reading.mended.map((it) => `${it.from} read as ${it.to}`);
  const kind = report.reading.machine ?? "kind of machine not recognised";
  const parts = [`${report.case.equipment} (${kind}): ${report.case.symptom}`, ...mended];
  return make("p", {}, parts.join(". "));
}

function missing(report) {
  return report.missing.length ? `What would make it surer: ${report.missing.join("; ")}.` : null;
}

function codes(report) {
  if (!report.codes.length) return null;
  return make(
    "section",
    {},
    make("h2", {}, "Fault codes"),
    make("ul", { class: "decoded" }, ...report.codes.map(codeItem)),
  );
}

export function causes(list) {
  const item = (cause) => {
    const fill = make("div");
    fill.style.width = `${100 * cause.probability}%`;
    const evidence = [
      ...(cause.evidence_for ?? []).map((text) => make("li", { class: "for" }, `For: ${text}`)),
      ...(cause.evidence_against ?? []).map((text) => make("li", { class: "against" }, `Against: ${text}`)),
    ];
    return make(
      "li",
      { class: "cause", "data-fault": cause.fault },
      make("div", { class: "cause-head" }, make("h3", {}, cause.cause), make("b", {}, percent(cause.probability))),
      make("div", { class: "bar", "aria-hidden": "true" }, fill),
      cause.system && make("span", { class: "system" }, cause.system.replaceAll("_", " ")),
      evidence.length ? make("ul", { class: "evidence" }, ...evidence) : null,
    );
  };
  return make("ol", { class: "plain", id: "causes" }, ...list.map(item));
}

const nameOf = (test) => (test.fault == null || test.number == null ? null : `${test.fault}:${test.number}`);

function tests(report, answers) {
  const first = report.next_question?.test;
  const listed = [first, ...report.tests].filter(Boolean);
  for (const test of listed) if (nameOf(test)) answers.tests.set(nameOf(test), test);
  const done = [...answers.found.keys()].filter((name) => !listed.some((test) => nameOf(test) === name));
  const all = [...listed, ...done.map((name) => answers.tests.get(name))].filter(Boolean);
  const seen = new Set();
  const distinct = all.filter((test) => {
    const name = nameOf(test) ?? test.action;
    return !seen.has(name) && seen.add(name);
  });
  if (!distinct.length) return null;
  return make(
    "section",
    {},
    make("h2", {}, "Tests"),
    make("p", { class: "hint" }, "Tick what you found: the causes are ranked anew at once."),
    ...distinct.map((test) => testField(test, test === first, answers)),
  );
}

function testField(test, isFirst, answers) {
  const name = nameOf(test);
  const facts = [
    ["With", test.tool],
    ["State", test.condition],
    ["Good", test.expected],
  ].filter(([, text]) => text);
  const result = (outcome, index) => {
    const id = `found-${name}-${index}`;
    const means = outcome.means ? `: ${outcome.means}` : "";
    return option(id, name, `${outcome.result}${means}`, answers.found.get(name) === index, () => answers.take(name, index));
  };
  const open = () => option(`found-${name}-none`, name, "Not done", !answers.found.has(name), () => answers.take(name, null));
  const options = name && test.outcomes.length ? [open(), ...test.outcomes.map(result)] : [];
  return make(
    "fieldset",
    { class: isFirst ? "first" : "", "data-test": name },
    make("legend", {}, isFirst ? `First: ${test.action}` : test.action),
    ...facts.map(([label, text]) => make("p", {}, make("b", {}, `${label}: `), text)),
    ...options,
  );
}

function option(id, group, text, isChosen, onchange) {
  const input = make("input", { type: "radio", name: group, id, checked: isChosen, onchange });
  return make("label", { class: "outcome", for: id }, input, make("span", {}, text));
}

function texts(report) {
  const parts = [
    ["Diagnosis", report.probable_cause],
    ["Repair", report.solution],
    ["To prove the repair", report.verification],
  ].filter(([, text]) => text);
  return make("section", {}, ...parts.flatMap(([title, text]) => [make("h2", {}, title), make("p", {}, text)]));
}

function similar(report) {
  if (!report.similar_cases.length) return null;
  const item = (it) => make("li", {}, `${it.equipment}: ${it.symptom} ${it.probable_cause ?? ""} ${it.solution ?? ""}`);
  return make("section", {}, make("h2", {}, "Past cases like this one"), make("ul", {}, ...report.similar_cases.map(item)));
}

function workOrder(report) {
  const done = make("span", { role: "status" });
  const copy = async () => {
    // Without a secure address the browser gives no clipboard.
    try {
      await navigator.clipboard.writeText(report.work_order);
    } catch {
      getSelection().selectAllChildren($("work-order"));
      document.execCommand("copy");
    }
    done.textContent = "Copied.";
  };
  return make(
    "section",
    {},
    make("h2", {}, "For the work order"),
    make("p", { class: "workorder", id: "work-order" }, report.work_order),
    make(
      "p",
      { class: "row actions" },
      make("button", { type: "button", id: "copy", onclick: copy }, "Copy"),
      make("button", { type: "button", id: "print", onclick: () => print() }, "Print"),
      done,
    ),
  );
}
