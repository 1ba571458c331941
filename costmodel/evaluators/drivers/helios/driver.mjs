// Drives Helios' uplc, by version 1 of the driver protocol.

import { createRequire } from "node:module";
import {
  decodeUplcData,
  decodeUplcProgramV2FromFlat,
  decodeUplcProgramV3FromFlat,
  makeUplcConst,
  makeUplcDataValue,
  makeUplcProgramV2,
  makeUplcProgramV3,
} from "@helios-lang/uplc";
import { bytes, digest, EVERYTHING, OutOfBudget, serve } from "./protocol.mjs";

const require = createRequire(import.meta.url);
const { version } = require("@helios-lang/uplc/package.json");
const languages = {
  PlutusV2: [decodeUplcProgramV2FromFlat, makeUplcProgramV2],
  PlutusV3: [decodeUplcProgramV3FromFlat, makeUplcProgramV3],
};

function decode({ flat, data, language }) {
  const program = languages[language][0](flat);
  return data.length === 0 ? program : program.apply(data.map((cbor) => makeUplcDataValue(decodeUplcData(cbor))));
}

serve(
  {
    evaluator: "helios-uplc",
    version,
    capabilities: {
      ...EVERYTHING,
      languages: Object.keys(languages),
      protocol_versions: [9, 10],
    },
  },
  {
    load(request) {
      const { language, budget } = request;
      const kept = { flat: Array.from(bytes(request.flat)), data: request.arguments.map(bytes), language, budget };
      kept.options = request.cost_model ? { costModelParams: request.cost_model } : {};
      kept.program = decode(kept);
      return kept;
    },
    decode,
    evaluate({ program, options, budget }) {
      const evaluated = program.eval(undefined, options);
      const { result, cost } = evaluated;
      if (cost.cpu > budget.cpu || cost.mem > budget.mem) throw new OutOfBudget();
      if (result.left !== undefined) throw new Error(result.left.error);
      return evaluated;
    },
    outcome({ result, cost }, { language }) {
      const found = { cpu: Number(cost.cpu), mem: Number(cost.mem) };
      // Functions are told as text, not as terms.
      if (typeof result.right === "string") return found;
      const constant = makeUplcConst({ value: result.right });
      return { ...found, digest: digest(languages[language][1](constant).toFlat()) };
    },
  },
);
