// What make contracts looks at: the published schemas, and every sample that is or carries an event.
import fs from "node:fs";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../../..");
const events = path.join(root, "events");
const read = (file) => JSON.parse(fs.readFileSync(file, "utf8"));

// By topic.
export function schemas() {
  const folder = path.join(events, "schema");
  const names = fs.readdirSync(folder).filter((name) => name.endsWith(".schema.json"));
  return new Map(names.map((name) => [name.replace(".schema.json", ""), read(path.join(folder, name))]));
}

// The bodies that an SQS batch or a batch of MSK delivers.
function bodies(sample) {
  if (Array.isArray(sample.Records)) return sample.Records.map((record) => record.body);
  const partitions = Object.values(sample.records ?? {});
  return partitions.flat().map((record) => Buffer.from(record.value, "base64").toString());
}

// Each event in events/, under the name of its file: those that are for a queue of dead letters are no events.
export function samples() {
  const found = [];
  for (const name of fs.readdirSync(events).filter((name) => name.endsWith(".json")).sort()) {
    const sample = read(path.join(events, name));
    const delivered = name.startsWith("park-dead-letters") ? [] : bodies(sample).map((body) => JSON.parse(body));
    const known = new Set([...schemas().values()].map((schema) => schema.properties.type.const));
    for (const event of typeof sample.type === "string" ? [sample] : delivered) {
      if (known.has(event.type)) found.push({ name, topic: event.type.toLowerCase().replaceAll("_", "-"), event });
    }
  }
  return found;
}

// As a form sends it: what we read and the sample does not say, and what no schema knows.
export function withMore(event) {
  const more = structuredClone(event);
  if (more.metadata) Object.assign(more.metadata, { startDate: "2026-02-02", sessionCount: 30 });
  return more;
}
