// docs/asyncapi.json is AsyncAPI 3 without a complaint of its own parser. Its examples are the samples, which validate.mjs looks at.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "./documents.mjs";

const require = createRequire(process.env.CONTRACTS_MODULES + "/");
const { Parser } = require("@asyncapi/parser");
const text = fs.readFileSync(path.join(root, "docs/asyncapi.json"), "utf8");
const { document, diagnostics } = await new Parser().parse(text);
// 0 is an error, 1 a warning; the rest are hints.
const complaints = diagnostics.filter((found) => found.severity <= 1);
if (document === undefined || complaints.length > 0) {
  console.error(complaints.map((found) => `${found.path.join(".")}: ${found.message}`).join("\n"));
  process.exit(1);
}
console.log(`  @asyncapi/parser: ${document.channels().length} channels, ${document.operations().length} operations`);
