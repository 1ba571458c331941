// Drives Scalus, compiled to JavaScript, by version 1 of the driver protocol.
//
// Its public interface takes bytes and evaluates them in one call, so that evaluations include decoding; it has a cost
// model of its own, and does not tell results.

import { createRequire } from "node:module";
import { bytes, serve } from "./protocol.mjs";

const require = createRequire(import.meta.url);
const { Scalus } = require("scalus");
const { version } = require("scalus/package.json");

// The ledger's own wrapping of a script: a CBOR byte string.
function wrapped(content) {
  const n = content.length;
  const head =
    n < 24 ? [0x40 | n] : n < 1 << 8 ? [0x58, n] : n < 1 << 16 ? [0x59, n >> 8, n & 255]
      : [0x5a, n >> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

serve(
  {
    evaluator: "scalus",
    version,
    build: "Scala.js",
    capabilities: {
      languages: ["PlutusV3"],
      protocol_versions: [10, 11],
      cost_model: "built in",
      ex_units: true,
      decode: false,
      arguments: false,
      results: "none",
      collector: true,
      compiler: true,
      evaluate_decodes: true,
    },
  },
  {
    load: (request) => wrapped(wrapped(bytes(request.flat))).toString("hex"),
    evaluate(script) {
      const result = Scalus.evaluateScript(script);
      // A PlutusV3 script has to return unit. Programs to measure return something else; that verdict comes after the
      // machine's work is done.
      const ran = result.isSuccess || result.logs.some((line) => line.startsWith("Invalid return value"));
      if (!ran) throw new Error(result.logs.join(" ") || "evaluation failure");
      return result.budget;
    },
    outcome: (budget) => ({ cpu: Number(budget.steps), mem: Number(budget.memory) }),
  },
);
