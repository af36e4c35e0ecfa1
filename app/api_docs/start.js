// Shows openapi.json by Swagger UI, shortened to what a first look needs; requests are filled in by the links of the
// description, so that whatever one operation made is what the next one asks for.
"use strict";

/** Where the console keeps the key as well: until the tab is closed. */
const KEY = "colloquy.key";

const FIRST_STEPS =
  "**Authorize** with the key that the server printed or `colloquy keys create` made. Then open an operation and " +
  "press **Execute**: its example works as it stands, and what one operation makes is filled in where it is used.\n\n";

const METHODS = ["get", "put", "post", "delete", "patch"];

/** Whether a value is an object that refers to another part of the description, and to which. */
const follow = (spec, node) =>
  node?.$ref
    ? node.$ref
        .slice(2)
        .split("/")
        .reduce((part, step) => part[step], spec)
    : node;

/** Every operation as [path, method, operation, parameters], the path's own parameters included. */
function operationsOf(spec) {
  return Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => [
      path,
      method,
      item[method],
      [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((one) => follow(spec, one)),
    ]),
  );
}

/** Folds each section of a description under its heading. */
const foldSections = (text) =>
  text.replace(/^## (.+)\n([^]*?)(?=^## |$(?![^]))/gm, "<details><summary>$1</summary>\n\n$2\n</details>\n\n");

/** Says in one line what refusals there are; the section Errors says it once for all. */
function foldRefusals(responses) {
  const others = Object.keys(responses).filter((status) => !status.startsWith("2"));
  for (const status of others) delete responses[status];
  responses.other = { description: `${others.join(", ")}: see *Errors* above.` };
}

/** Takes what is prefilled out of a parameter that may be left out: a filter would find nothing of what one has. */
function emptyOptional(spec, parameter) {
  const { example: general, ...schema } = follow(spec, parameter.schema);
  const example = parameter.example ?? general;
  if (parameter.required || example === undefined) return;
  parameter.schema = schema;
  const text = schema.type === "object" ? Object.entries(example).map((entry) => entry.join("=")) : [example].flat();
  parameter.description += ` For example \`${text.join(schema.type === "object" ? "&" : ",")}\`.`;
  if (schema.type === "object") parameter.example = {};
  else delete parameter.example;
}

/** A copy of the description that is quick to read. */
function shorten(spec) {
  const short = structuredClone(spec);
  short.servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];
  delete short.components.securitySchemes.metricsToken; // one key is enough to ask for
  delete short.paths["/metrics"].get.security;
  short.info.description = FIRST_STEPS + foldSections(short.info.description);
  Object.values(short.components.parameters).forEach((one) => emptyOptional(short, one));
  for (const [, , operation] of operationsOf(short)) {
    foldRefusals(operation.responses);
    for (const response of Object.values(operation.responses)) {
      delete response.links;
      delete response.headers;
    }
  }
  return short;
}

/** What an expression of a link means for an answer: `$response.body#/items/0/id` or `$request.path.id`. */
function evaluate(expression, answer, given) {
  const [source, pointer] = expression.split("#/");
  if (source !== "$response.body") return given.get(source.replace("$request.", ""));
  return pointer.split("/").reduce((part, step) => part?.[step], answer);
}

/** Fills the parameters that name a thing, wherever the answer's operation links to, with what was just answered. */
function fillLinked(spec, system, path, method, answer) {
  const given = system.specSelectors.parameterValues([path, method]);
  const links = spec.paths[path][method].responses["200"].links ?? {};
  for (const link of Object.values(links).map((one) => follow(spec, one))) {
    const [to, how, , parameters] = operationsOf(spec).find(([, , one]) => one.operationId === link.operationId);
    for (const parameter of parameters.filter((one) => one.required || one.name === "namespace")) {
      const expression = link.parameters?.[parameter.name];
      if (!expression) continue;
      const value = evaluate(expression, answer, given);
      system.specActions.changeParam([to, how], parameter.name, parameter.in, value);
    }
  }
}

/** Keeps the key for the session, and passes answers on to the operations that they lead to. */
const plugin = (spec) => () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (original) => (given) => {
          sessionStorage.setItem(KEY, given.apiKey.value);
          return original(given);
        },
        logout: (original) => (names) => {
          sessionStorage.removeItem(KEY);
          return original(names);
        },
      },
    },
    spec: {
      wrapActions: {
        setResponse: (original, system) => (path, method, response) => {
          if (response.status === 200 && response.obj) {
            fillLinked(spec, system, path, method, response.obj);
          }
          return original(path, method, response);
        },
      },
    },
  },
});

/** Within a tag as the description has them, but for what takes away from what others need: parts go before wholes. */
function rank(operation) {
  const ends = operation.getIn(["operation", "deprecated"]) === true && operation.get("method") === "put";
  const parts = operation.get("path").split("/").length;
  return operation.get("method") === "delete" ? 100 - parts : Number(ends);
}

function followTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", apply);
  apply();
}

async function start() {
  followTheme();
  const spec = await (await fetch("openapi.json")).json();
  const ui = SwaggerUIBundle({
    spec: shorten(spec),
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    operationsSorter: (one, other) => rank(one) - rank(other),
    plugins: [plugin(spec)],
    tryItOutEnabled: true,
    onComplete: () => {
      const key = sessionStorage.getItem(KEY);
      if (key) ui.preauthorizeApiKey("apiKey", key);
      ui.getSystem().layoutActions.show(["operations-tag", "Deprecated"], false);
    },
  });
}

start();
