#!/usr/bin/env bash
# cloudevents' Kafka binding makes messages that kafkajs can't send, and can't read those that kafkajs delivers.
#
# Versions   npm cloudevents 10.0.0 · npm kafkajs 2.2.4
# Guess      `Kafka.binary(event)` goes into `producer.send`, and `Kafka.toEvent(message)` takes what `eachMessage` is given: the binding
#            is for the Kafka client that Node projects use
# Seen       kafkajs' own encoder and decoder of records, with an event of id, type, source and JSON data:
#              Kafka.binary        can't be encoded: `value` is the data itself, an object; as a text it still can't: four headers of
#                                  attributes that the event does not have are there and undefined
#              Kafka.structured    can be encoded
#              Kafka.toEvent       TypeError for both modes, and Kafka.isEvent for the structured one: kafkajs gives each header as a
#                                  Buffer, and the binding takes it for a text
#            With each header as text both modes are read.
# So         a consumer that trusts the binding fails at its first message, and at each retry. Make texts of the headers before
#            `toEvent`; before `send` write `value` as text and drop headers without value; or use structured mode.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund cloudevents@10.0.0 kafkajs@2.2.4
cat >seen.mjs <<'JS'
import { createRequire } from "node:module";
import { CloudEvent, Kafka } from "cloudevents";

const require = createRequire(import.meta.url);
const encode = require("kafkajs/src/protocol/recordBatch/record/v0");
const decode = require("kafkajs/src/protocol/recordBatch/record/v0/decoder");
const Decoder = require("kafkajs/src/protocol/decoder");

const attempt = (what) => {
  try {
    return what();
  } catch (error) {
    return error.constructor.name;
  }
};
// Over the wire and back, as producer and consumer do it.
const carry = ({ key, value, headers }) => {
  const { buffer } = encode({ offsetDelta: 0, timestampDelta: 0, key: key ?? null, value, headers });
  const record = new Decoder(buffer);
  record.readVarInt(); // its length
  return decode(record, { firstOffset: "0", firstTimestamp: "0", magicByte: 2 });
};
const texts = (message) => ({
  ...message,
  headers: Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, value.toString()])),
});

const event = new CloudEvent({ id: "1", type: "ORDER_CONFIRMED", source: "/orders", datacontenttype: "application/json", data: { total: 4999 } });
const binary = Kafka.binary(event);
const structured = Kafka.structured(event);
console.log("binary sent:", attempt(() => carry(binary) && "yes"));
console.log("its value is:", typeof binary.value, "| headers without value:", Object.keys(binary.headers).filter((name) => binary.headers[name] === undefined).join());
const asText = { ...binary, value: JSON.stringify(binary.value) };
console.log("with a text as value:", attempt(() => carry(asText) && "yes"));
const mended = { ...asText, headers: Object.fromEntries(Object.entries(binary.headers).filter(([, value]) => value !== undefined)) };
console.log("and without those headers:", attempt(() => carry(mended) && "yes"));
console.log("structured sent:", attempt(() => carry(structured) && "yes"));
for (const [name, message] of [["binary", carry(mended)], ["structured", carry(structured)]]) {
  console.log(`${name} asked:`, attempt(() => Kafka.isEvent(message)));
  console.log(`${name} read:`, attempt(() => Kafka.toEvent(message).type));
  console.log(`${name} read with texts:`, attempt(() => { const read = Kafka.toEvent(texts(message)); return `${read.type} ${JSON.stringify(read.data)}`; }));
}
JS
seen=$(node seen.mjs)
echo "$seen"
[[ "$seen" == 'binary sent: TypeError
its value is: object | headers without value: ce_subject,ce_datacontentencoding,ce_dataschema,ce_schemaurl
with a text as value: TypeError
and without those headers: yes
structured sent: yes
binary asked: true
binary read: TypeError
binary read with texts: ORDER_CONFIRMED {"total":4999}
structured asked: TypeError
structured read: TypeError
structured read with texts: ORDER_CONFIRMED {"total":4999}' ]] || { echo "The behaviour has changed." >&2; exit 1; }
