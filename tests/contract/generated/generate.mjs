// Writes the types that generators make of the schemas into the folder given, with the samples and small programs that use them.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root, samples, schemas, withMore } from "./documents.mjs";

const require = createRequire(process.env.CONTRACTS_MODULES + "/");
const { compile } = require("json-schema-to-typescript");
const out = process.argv[2];
const snake = (topic) => topic.replaceAll("-", "_");
const write = (name, text) => {
  const file = path.join(out, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
};
const quicktype = (topic, title, file, options) => {
  const schema = path.join(root, "events/schema", `${topic}.schema.json`);
  fs.mkdirSync(path.dirname(path.join(out, file)), { recursive: true });
  const bin = path.join(process.env.CONTRACTS_MODULES, ".bin/quicktype");
  execFileSync(bin, ["--src-lang", "schema", "--src", schema, "--top-level", title, "--out", path.join(out, file), ...options], { stdio: "pipe" });
};

const perTopic = new Map();
for (const { topic, event } of samples()) {
  perTopic.set(topic, [...(perTopic.get(topic) ?? []), event, withMore(event)]);
}
const goCases = [];
for (const [topic, schema] of schemas()) {
  const events = perTopic.get(topic) ?? [];
  if (events.length === 0) throw new Error(`events/ has no ${topic}`);
  write(`samples/${topic}.json`, JSON.stringify(events));
  const literals = events.map((event, at) => `export const sample${at}: ${schema.title} = ${JSON.stringify(event, null, 2)};\n`);
  write(`ts/${topic}.ts`, (await compile(schema, schema.title)) + literals.join(""));
  quicktype(topic, schema.title, `quicktype_ts/${topic}.ts`, ["--lang", "typescript"]);
  quicktype(topic, schema.title, `quicktype/${snake(topic)}.py`, ["--lang", "python", "--python-version", "3.7"]);
  quicktype(topic, schema.title, `go/${snake(topic)}/event.go`, ["--lang", "go", "--package", snake(topic)]);
  goCases.push({ topic, name: snake(topic), title: schema.title });
}
write("go/go.mod", "module contracts\n\ngo 1.19\n");
write("go/main.go", goProgram(goCases));

// Reads each sample into the generated struct and writes it again, one line each.
function goProgram(cases) {
  const imports = cases.map(({ name }) => `\t"contracts/${name}"`).join("\n");
  const reads = cases.map(({ topic, name, title }) =>
    `\tfor _, raw := range samples(${JSON.stringify(topic)}) {\n\t\tevent, err := ${name}.Unmarshal${title}(raw)\n` +
    `\t\tcheck(err)\n\t\tback, err := event.Marshal()\n\t\tcheck(err)\n\t\tfmt.Println(${JSON.stringify(topic)} + "\\t" + string(back))\n\t}`);
  return `package main

import (
${imports}
	"encoding/json"
	"fmt"
	"os"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func samples(topic string) []json.RawMessage {
	text, err := os.ReadFile(os.Args[1] + "/" + topic + ".json")
	check(err)
	var all []json.RawMessage
	check(json.Unmarshal(text, &all))
	return all
}

func main() {
${reads.join("\n")}
}
`;
}
