/* Running well-typed programs (grow.h).
 *
 * The first byte chooses the variant; the others are what the program grows from.
 * It decodes, it meets no type error, its result is of its type, and what it spends
 * is exactly what it needs: that budget suffices, and one less of either does not. */
#include <string.h>

#include "grow.h"
#include "machine/run.h"
#include "target.h"

enum { CAP = 16 * 1024 * 1024, MOST_RESULT = 256 * 1024 };

static const cal_ex_units budget = {2000000000, 400000};

static const char *const type_errors[] = {"wrong type", "is forced", "is applied", "no constructor",
                                          "list's type"};

static void check_failure(const cal_error *error) {
  for (size_t i = 0; i < sizeof type_errors / sizeof *type_errors; i++) {
    if (strstr(error->text, type_errors[i]) != NULL) {
      cal_target_failed(error->text, 0, "a well-typed program meets no type error");
    }
  }
}

static void check_result(cal_machine *machine, const cal_script *script, const cal_outcome *outcome,
                         const char *type) {
  cal_error error = {0};
  const uint8_t *bytes = NULL;
  size_t length = 0;
  const cal_status status = cal_machine_write_result(machine, outcome, script->version, MOST_RESULT,
                                                     &bytes, &length, &error);
  cal_target_expect(status, CAL_MAY_SUCCEED | 1U << CAL_UNSUPPORTED, &error);
  if (status == CAL_OK) {
    CAL_CHECK(cal_is_constant_of(bytes, length, type));
  }
}

/* Runs once more, with a budget that differs from what was spent by so much. */
static void check_budget(cal_machine *machine, const cal_script *script, cal_ex_units spent,
                         cal_ex_units less) {
  cal_error error = {0};
  cal_outcome outcome;
  const cal_ex_units limit = {spent.cpu - less.cpu, spent.mem - less.mem};
  const cal_status status = cal_machine_run(machine, script, limit, &outcome, &error);
  if (less.cpu + less.mem == 0) {
    CAL_CHECK(status == CAL_OK);
    CAL_CHECK(outcome.spent.cpu == spent.cpu && outcome.spent.mem == spent.mem);
  } else {
    CAL_CHECK(status == CAL_OVER_BUDGET);
  }
}

static void evaluate(cal_variant variant, const cal_script *script, const char *type) {
  cal_error error = {0};
  cal_outcome outcome;
  cal_machine *machine = cal_target_machine(variant, CAP);
  const cal_status status = cal_machine_run(machine, script, budget, &outcome, &error);
  cal_target_expect(status, CAL_MAY_FAIL & ~(1U << CAL_OUT_OF_MEMORY), &error);
  if (status == CAL_FAILED) {
    check_failure(&error);
  } else if (status == CAL_OK) {
    check_result(machine, script, &outcome, type);
    check_budget(machine, script, outcome.spent, (cal_ex_units){0, 0});
    check_budget(machine, script, outcome.spent, (cal_ex_units){1, 0});
    check_budget(machine, script, outcome.spent, (cal_ex_units){0, 1});
  }
  cal_machine_free(machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static cal_grown grown;
  if (length == 0) {
    return 0;
  }
  const cal_variant variant = (cal_variant)(bytes[0] % (CAL_VARIANT_E + 1));
  cal_soil soil = {.choices = bytes + 1, .count = length - 1};
  cal_soil_allow_all(&soil);
  soil.cases_of_constants = variant >= CAL_VARIANT_D;
  cal_grow(&soil, &grown);
  cal_decode_options options = cal_target_options(CAP);
  options.group_elements = 0;
  cal_error error = {0};
  cal_script *script = NULL;
  cal_target_begin();
  const cal_status status = cal_script_decode(grown.flat, grown.length, &options, &script, &error);
  cal_target_expect(status, 1U << CAL_OK, &error);
  evaluate(variant, script, grown.type);
  cal_script_free(script);
  cal_target_end(2 * CAP + MOST_RESULT);
  return 0;
}
