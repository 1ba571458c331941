/* Running a program within a small budget and a memory cap.
 *
 * The first byte chooses how: bits 0-2 the variant, bit 3 a cap that is soon
 * reached, bits 4-6 all set a budget that pays for a pairing; the program in
 * flat follows. */
#include "machine/run.h"
#include "target.h"

enum { CAP = 4 * 1024 * 1024, SMALL_CAP = 96 * 1024, MOST_RESULT = 256 * 1024 };

static const cal_ex_units small_budget = {20000000, 100000};
static const cal_ex_units large_budget = {1000000000, 10000000};

/* A run spends within its budget or is stopped for it, and is stopped soon. */
static void check_spending(const cal_machine *machine, const cal_outcome *outcome,
                           cal_ex_units budget) {
  const bool within = outcome->spent.cpu <= budget.cpu && outcome->spent.mem <= budget.mem;
  CAL_CHECK(outcome->spent.cpu >= 0 && outcome->spent.mem >= 0);
  if (outcome->status == CAL_OVER_BUDGET) {
    CAL_CHECK(!within);
  } else {
    CAL_CHECK(within);
  }
  uint64_t steps = 0;
  int64_t cheapest = INT64_MAX;
  for (int kind = 0; kind < CAL_STEPS; kind++) {
    steps += outcome->steps[kind];
    if (machine->costs.steps[kind].cpu < cheapest) {
      cheapest = machine->costs.steps[kind].cpu;
    }
  }
  CAL_CHECK(steps <= (uint64_t)(budget.cpu / cheapest) + CAL_SLIPPAGE + 1);
}

static void check_result(cal_machine *machine, const cal_script *script,
                         const cal_outcome *outcome) {
  const cal_decode_options options = cal_target_options(CAP);
  cal_error error = {0};
  const uint8_t *bytes = NULL;
  size_t length = 0;
  cal_status status = cal_machine_write_result(machine, outcome, script->version, MOST_RESULT,
                                               &bytes, &length, &error);
  cal_target_expect(status, CAL_MAY_SUCCEED | 1U << CAL_UNSUPPORTED, &error);
  if (status == CAL_OK) {
    CAL_CHECK(length <= MOST_RESULT);
    cal_script *copy = NULL;
    status = cal_script_decode(bytes, length, &options, &copy, &error);
    /* constrData takes any integer for a constructor and serialiseData writes
     * it, but what does not fit in 64 bits is not read back: the ledger's rule. */
    cal_target_expect(status, CAL_MAY_SUCCEED | 1U << CAL_MALFORMED, &error);
    cal_script_free(copy);
  }
}

static void evaluate(uint8_t how, const cal_script *script, size_t cap) {
  cal_error error = {0};
  cal_outcome outcome;
  const cal_ex_units budget = (how & 0x70) == 0x70 ? large_budget : small_budget;
  cal_machine *machine = cal_target_machine((cal_variant)((how & 7) % (CAL_VARIANT_E + 1)), cap);
  const cal_status status = cal_machine_run(machine, script, budget, &outcome, &error);
  cal_target_expect(status, CAL_MAY_FAIL, &error);
  CAL_CHECK(status == outcome.status);
  check_spending(machine, &outcome, budget);
  if (status == CAL_OK) {
    check_result(machine, script, &outcome);
  }
  cal_machine_free(machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length == 0) {
    return 0;
  }
  const size_t cap = (bytes[0] & 8) != 0 ? SMALL_CAP : CAP;
  const cal_decode_options options = cal_target_options(cap);
  cal_error error = {0};
  cal_script *script = NULL;
  cal_target_begin();
  const cal_status status = cal_script_decode(bytes + 1, length - 1, &options, &script, &error);
  cal_target_expect(status, CAL_MAY_BE_REFUSED, &error);
  if (status == CAL_OK) {
    evaluate(bytes[0], script, cap);
  }
  cal_script_free(script);
  cal_target_end(2 * cap + CAP); /* two scripts, the second with the usual cap, and the machine */
  return 0;
}
