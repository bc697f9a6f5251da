// Writes with kafkajs, as task.py describes it. It brings gzip; each other codec is a package of its own.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");

const modules = createRequire(`${process.env.KAFKA_MODULES}/`);
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = modules("kafkajs");
const lz4 = modules("lz4-napi");
const { ZstdCodec } = modules("zstd-codec");

const only = (compress) => () => ({ compress: async ({ buffer }) => compress(buffer) });
CompressionCodecs[CompressionTypes.Snappy] = modules("kafkajs-snappy");
CompressionCodecs[CompressionTypes.LZ4] = only((buffer) => lz4.compressFrame(buffer));
CompressionCodecs[CompressionTypes.ZSTD] = only(
  (buffer) => new Promise((done) => ZstdCodec.run((zstd) => done(Buffer.from(new zstd.Simple().compress(buffer))))),
);
const codecs = { none: "None", gzip: "GZIP", snappy: "Snappy", lz4: "LZ4", zstd: "ZSTD" };

const decoded = (text) => (text === null ? null : Buffer.from(text, "base64"));
const headers = (pairs) => {
  const all = {};
  for (const [name, value] of pairs) all[name] = [...(all[name] ?? []), decoded(value)];
  return all;
};
const message = ({ key, value, headers: pairs, timestamp }) => ({
  key: decoded(key),
  value: decoded(value),
  headers: headers(pairs),
  ...(timestamp === null ? {} : { timestamp: String(timestamp) }),
});

// The whole batch at once, so that it is compressed as one; when that fails, one by one, to see which is refused.
const write = async (producer, batch) => {
  const compression = CompressionTypes[codecs[batch.codec]];
  const send = (records) => producer.send({ topic: batch.topic, compression, messages: records.map(message) });
  const refused = {};
  try {
    await send(batch.records);
  } catch {
    for (const [place, record] of batch.records.entries()) {
      try {
        await send([record]);
      } catch (error) {
        refused[place] = `${error.name}: ${error.message}`;
      }
    }
  }
  return { written: batch.records.length - Object.keys(refused).length, refused };
};

const main = async () => {
  const { brokers, batches } = JSON.parse(readFileSync(0, "utf8"));
  const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
  const done = [];
  for (const batch of batches) {
    const producer = kafka.producer(batch.settings);
    await producer.connect();
    done.push(await write(producer, batch));
    await producer.disconnect();
  }
  console.log(JSON.stringify({ version: modules("kafkajs/package.json").version, batches: done }));
};

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
