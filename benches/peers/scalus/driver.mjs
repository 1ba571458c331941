// Times Scalus, compiled to JavaScript, by the protocol of benches/driver.py.
//
// Its public interface takes bytes and evaluates them in one call, so `evaluate` includes decoding, and there is no
// `decode`.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const { Scalus } = require("scalus");
const { version } = require("scalus/package.json");

// The ledger's own wrapping of a script: a CBOR bytestring.
function bytestring(bytes) {
  const n = bytes.length;
  const head =
    n < 24 ? [0x40 | n] : n < 1 << 8 ? [0x58, n] : n < 1 << 16 ? [0x59, n >> 8, n & 255]
      : [0x5a, n >> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255];
  return Buffer.concat([Buffer.from(head), bytes]);
}

function evaluate(script) {
  const result = Scalus.evaluateScript(script);
  // A PlutusV3 script has to return unit. These contracts are older and return something else; that verdict comes
  // after the machine's work is done.
  const ran = result.isSuccess || result.logs.some((line) => line.startsWith("Invalid return value"));
  if (!ran) throw new Error(result.logs.join(" ") || "evaluation failure");
  return result.budget;
}

function answer(line) {
  const [work, iterations, ...path] = line.split("\t");
  if (work !== "evaluate") throw new Error("decoding cannot be called alone");
  const script = bytestring(bytestring(readFileSync(path.join("\t")))).toString("hex");
  for (let i = 0; i < Math.floor(Number(iterations) / 8); i++) evaluate(script);
  let spent;
  const begin = process.hrtime.bigint();
  for (let i = 0; i < Number(iterations); i++) spent = evaluate(script);
  const ns = process.hrtime.bigint() - begin;
  return `ok\t${ns}\t${spent.steps}\t${spent.memory}`;
}

console.log(`ready\tScalus ${version}\tScala.js on Node ${process.version}`);
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(answer(line));
  } catch (error) {
    console.log(`fail\t${String(error.message ?? error).split(/\s+/).join(" ")}`);
  }
}
