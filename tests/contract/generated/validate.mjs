// Every schema is one that ajv takes in its strict mode, and every event in events/ is valid by it; some others are not.
import { createRequire } from "node:module";
import { samples, schemas, withMore } from "./documents.mjs";

const require = createRequire(process.env.CONTRACTS_MODULES + "/");
const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;

const ajv = addFormats(new Ajv({ strict: true, allErrors: true }));
const validators = new Map([...schemas()].map(([topic, schema]) => [topic, ajv.compile(schema)]));
const failures = [];
const expect = (valid, name, topic, event) => {
  const validate = validators.get(topic);
  if (validate === undefined) return failures.push(`${name}: no schema for ${topic}`);
  if (validate(event) === valid) return;
  failures.push(`${name}: ${valid ? ajv.errorsText(validate.errors) : "valid, and should not be"}`);
};
for (const { name, topic, event } of samples()) {
  expect(true, name, topic, event);
  expect(true, `${name} with more`, topic, withMore(event));
  expect(false, `${name} without its type`, topic, { ...event, type: "OTHER" });
  for (const field of ["amountCents", "totalCents"].filter((field) => field in event)) {
    expect(true, `${name}, ${field} with a point`, topic, JSON.parse(JSON.stringify(event).replace(/("(?:amount|total)Cents":\d+)/, "$1.0")));
    expect(false, `${name}, ${field} too large`, topic, { ...event, [field]: 2 ** 63 });
  }
}
const count = samples().length;
if (failures.length > 0 || validators.size === 0 || count === 0) {
  console.error(failures.join("\n") || "nothing was looked at");
  process.exit(1);
}
console.log(`  ajv strict: ${validators.size} schemas, ${count} events`);
