// Shows openapi.json as a page.

import { make as element } from "./elements.js";

const make = (tag, ...children) => element(tag, {}, ...children);

const doc = await (await fetch("/openapi.json")).json();
const resolved = (it) => (it?.$ref ? it.$ref.split("/").slice(1).reduce((at, name) => at[name], doc) : it);

/** A schema in a few words. */
function words(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.allOf) return schema.allOf.map(words).join(" and ");
  if (schema.oneOf) return schema.oneOf.map(words).join(" or ");
  if (schema.type === "array") return `list of ${words(schema.items)}`;
  if (schema.properties) return `{${Object.keys(schema.properties).join(", ")}}`;
  if (schema.enum) return schema.enum.join(" or ");
  return [schema.type ?? schema.const].flat().join(" or ");
}

function table(head, rows) {
  const cells = (kind, row) => make("tr", ...row.map((text) => make(kind, text)));
  const table = make("table", make("thead", cells("th", head)), make("tbody", ...rows.map((row) => cells("td", row))));
  return element("div", { class: "wide" }, table);
}

function operation(path, method, it) {
  const parameters = (it.parameters ?? []).map((p) => [`${p.name} (${p.in})`, words(p.schema), p.description]);
  const body = Object.entries(it.requestBody?.content ?? {}).map(([kind, { schema }]) => `${kind}: ${words(schema)}`);
  const answers = Object.entries(it.responses).map(([status, answer]) => {
    const content = Object.entries(resolved(answer).content ?? {}).map(([kind, { schema }]) => `${kind}: ${words(schema)}`);
    return [status, resolved(answer).description, content.join("; ")];
  });
  return make(
    "section",
    make("h3", `${method.toUpperCase()} ${path}`),
    make("p", [it.summary, it.description].filter(Boolean).join(". ")),
    body.length ? make("p", `Body: ${body.join("; ")}`) : null,
    parameters.length ? table(["parameter", "type", "meaning"], parameters) : null,
    table(["status", "answer", "body"], answers),
  );
}

const tags = doc.tags.map(({ name, description }) => {
  const own = Object.entries(doc.paths).flatMap(([path, methods]) =>
    Object.entries(methods).filter(([, it]) => it.tags.includes(name)).map(([method, it]) => operation(path, method, it)),
  );
  return make("section", make("h2", `${name[0].toUpperCase()}${name.slice(1)}`), description ? make("p", description) : null, ...own);
});
const schemas = Object.entries(doc.components.schemas).map(([name, schema]) => {
  const parts = (schema.allOf ?? [schema]).map(resolved);
  const rows = parts.flatMap((part) =>
    Object.entries(part.properties ?? {}).map(([field, it]) => [
      part.required?.includes(field) ? field : `${field} (optional)`,
      words(it),
      it.description ?? "",
    ]),
  );
  return make("section", make("h3", name), schema.description ? make("p", schema.description) : null, table(["field", "type", "meaning"], rows));
});
const routes = document.getElementById("routes");
routes.removeAttribute("role");
routes.replaceChildren(make("p", doc.info.description), ...tags, make("h2", "Shapes"), ...schemas);
