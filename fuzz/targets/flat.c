/* Decoding flat, and writing back what was decoded. */
#include <string.h>

#include "machine/node.h"
#include "target.h"

enum { CAP = 4 * 1024 * 1024 };

static const cal_ex_units no_limit = {CAL_NO_LIMIT, CAL_NO_LIMIT};

/* Runs a script that is a delay, so that its result is the script itself. False
 * where memory does not suffice. */
static bool write_back(cal_machine *machine, const cal_script *script, const uint8_t **bytes,
                       size_t *length) {
  cal_error error = {0};
  cal_outcome outcome;
  cal_status status = cal_machine_run(machine, script, no_limit, &outcome, &error);
  if (status == CAL_OK) {
    status =
        cal_machine_write_result(machine, &outcome, script->version, CAP, bytes, length, &error);
  }
  cal_target_expect(status, CAL_MAY_SUCCEED, &error);
  return status == CAL_OK;
}

/* Puts the whole program into a delay. */
static bool delay(cal_script *script) {
  cal_node *node = cal_alloc(&script->arena, sizeof *node + sizeof(cal_part));
  if (node == NULL) {
    return false;
  }
  *node = (cal_node){.op = CAL_OP_DELAY};
  node->parts[0] = script->root;
  script->root = (cal_part)node;
  script->nodes++;
  return true;
}

/* What was written decodes to as many terms, and is written the same again. */
static void check_written(cal_machine *first, cal_machine *second, const cal_script *script) {
  const cal_decode_options options = cal_target_options(CAP);
  const uint8_t *bytes = NULL;
  const uint8_t *again = NULL;
  size_t length = 0;
  size_t again_length = 0;
  if (!write_back(first, script, &bytes, &length)) {
    return;
  }
  cal_error error = {0};
  cal_script *copy = NULL;
  const cal_status status = cal_script_decode(bytes, length, &options, &copy, &error);
  cal_target_expect(status, CAL_MAY_SUCCEED, &error);
  if (status == CAL_OK) {
    CAL_CHECK(copy->nodes == script->nodes);
    if (write_back(second, copy, &again, &again_length)) {
      CAL_CHECK(length == again_length && memcmp(bytes, again, length) == 0);
    }
  }
  cal_script_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  const cal_decode_options options = cal_target_options(CAP);
  cal_error error = {0};
  cal_script *script = NULL;
  cal_target_begin();
  const cal_status status = cal_script_decode(bytes, length, &options, &script, &error);
  cal_target_expect(status, CAL_MAY_BE_REFUSED, &error);
  CAL_CHECK((status == CAL_OK) == (script != NULL));
  if (status == CAL_OK && delay(script)) {
    cal_machine *first = cal_target_machine(CAL_VARIANT_E, CAP);
    cal_machine *second = cal_target_machine(CAL_VARIANT_E, CAP);
    check_written(first, second, script);
    cal_machine_free(first);
    cal_machine_free(second);
  }
  cal_script_free(script);
  cal_target_end(4 * CAP); /* two scripts, two machines */
  return 0;
}
