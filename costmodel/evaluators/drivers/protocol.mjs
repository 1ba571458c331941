// The driver's side of version 1 of the driver protocol (docs/reference/driver-protocol.md), for evaluators in
// JavaScript.

import { createHash } from "node:crypto";
import { createInterface } from "node:readline";

export class Refused extends Error {}
export class OutOfBudget extends Error {}

// What an evaluator can do that takes whole programs and gives back terms; each adds its languages and versions.
export const EVERYTHING = {
  cost_model: "given",
  ex_units: true,
  decode: true,
  arguments: true,
  results: "flat",
  collector: true,
  compiler: true,
};

export const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
export const digest = (flat) => createHash("sha256").update(Buffer.from(flat)).digest("hex");

// The cost model's figures, which are whole numbers in JSON.
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

function timed(request, programs, evaluator) {
  const loads = request.programs.map((number) => programs.get(number));
  if (loads.includes(undefined)) throw new Refused("a program is not loaded");
  const chosen = loads.map(evaluator.load);
  const evaluating = request.work === "evaluate";
  const once = evaluating ? evaluator.evaluate : evaluator.decode;
  if (once === undefined) throw new Refused("decoding cannot be timed alone");
  const count = chosen.length;
  // So that what others left is not collected now. A whole collection would throw away compiled code and what it was
  // compiled by: programs then took two to five times as long, another time each.
  if (request.warm_up > 0) globalThis.gc?.({ type: "minor" });
  for (let turn = 0; turn < request.warm_up; turn++) once(chosen[turn % count]);
  const found = new Array(count);
  const begin = process.hrtime.bigint();
  for (let turn = 0; turn < request.iterations; turn++) found[turn % count] = once(chosen[turn % count]);
  const ns = Number(process.hrtime.bigint() - begin);
  const ran = evaluating ? found.slice(0, Math.min(count, request.iterations)) : [];
  return { type: "timed", ns, results: ran.map((one, at) => evaluator.outcome(one, chosen[at])) };
}

function answered(request, programs, evaluator) {
  try {
    if (request.type !== "load") return timed(request, programs, evaluator);
    evaluator.load(request);
    programs.set(request.program, request);
    return { type: "loaded" };
  } catch (error) {
    const reason = String(error?.message ?? error).slice(0, 1000);
    if (error instanceof OutOfBudget) return { type: "out_of_budget", reason };
    const refused = request.type === "load" || error instanceof Refused;
    return { type: refused ? "refused" : "failed", reason };
  }
}

// An evaluator has load(request), which gives a program; evaluate(program) and, if it can be timed alone,
// decode(program), which are timed; and outcome(evaluated, program), which is not. Programs are loaded when they are to
// run, so that the collector of garbage need not look through all of them.
export async function serve(hello, evaluator) {
  const build = process.execArgv.join(" ");
  const common = { type: "hello", protocol: 1, runtime: `Node ${process.version}`, build };
  say({ ...common, clock: "process.hrtime", resolution_ns: 1, ...hello });
  const programs = new Map();
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    say({ ...answered(request, programs, evaluator), request: request.request });
  }
}
