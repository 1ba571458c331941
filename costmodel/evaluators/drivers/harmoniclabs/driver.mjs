// Drives HarmonicLabs' plutus-machine, by version 1 of the driver protocol.

import { createRequire } from "node:module";
import { ExBudget, Machine } from "@harmoniclabs/plutus-machine";
import { dataFromCbor } from "@harmoniclabs/plutus-data";
import { Application, compileUPLC, UPLCConst, UPLCDecoder, UPLCProgram } from "@harmoniclabs/uplc";
import { bytes, digest, EVERYTHING, OutOfBudget, serve } from "./protocol.mjs";

const { version } = createRequire(import.meta.url)("@harmoniclabs/plutus-machine/package.json");
const machines = new Map();

function machine(costModel, budget) {
  const key = JSON.stringify([costModel, budget]);
  if (!machines.has(key)) {
    const limit = new ExBudget({ cpu: BigInt(budget.cpu), mem: BigInt(budget.mem) });
    machines.set(key, new Machine(costModel?.map(BigInt), limit));
  }
  return machines.get(key);
}

function decode({ flat, data }) {
  const program = UPLCDecoder.parse(flat, "flat");
  const body = data.reduce((term, cbor) => new Application(term, UPLCConst.data(dataFromCbor(cbor))), program.body);
  return new UPLCProgram(program.version, body);
}

serve(
  {
    evaluator: "harmoniclabs-plutus-machine",
    version,
    capabilities: {
      ...EVERYTHING,
      languages: ["PlutusV3"],
      protocol_versions: [11],
    },
  },
  {
    load(request) {
      const kept = { flat: bytes(request.flat), data: request.arguments.map(bytes) };
      kept.program = decode(kept);
      kept.machine = machine(request.cost_model ?? undefined, request.budget);
      return kept;
    },
    decode,
    evaluate({ machine, program }) {
      machine.resetBudget();
      const evaluated = machine.eval(program.body);
      const { result } = evaluated;
      if ("msg" in result) throw result.msg === "out of budget" ? new OutOfBudget() : new Error(result.msg);
      return evaluated;
    },
    outcome({ result, budgetSpent }, { program }) {
      const found = { cpu: Number(budgetSpent.cpu), mem: Number(budgetSpent.mem) };
      // Other values than constants are not written back as terms.
      if (!("type" in result && "value" in result)) return found;
      const constant = new UPLCConst(result.type, result.value);
      return { ...found, digest: digest(compileUPLC(new UPLCProgram(program.version, constant))) };
    },
  },
);
