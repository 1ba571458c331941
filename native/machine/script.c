#include "machine/script.h"

#include <stdlib.h>
#include <string.h>

#include "codec/cbor.h"

cal_script *cal_script_new(size_t memory_cap) {
  cal_script *script = calloc(1, sizeof *script);
  if (script != NULL) {
    cal_arena_init(&script->arena, memory_cap);
  }
  return script;
}

void cal_script_free(cal_script *script) {
  if (script != NULL) {
    cal_arena_release(&script->arena);
    free(script);
  }
}

static cal_status exhausted(cal_error *error) {
  return cal_fail(error, CAL_OUT_OF_MEMORY,
                  "the script and its arguments need more memory than allowed");
}

static cal_status apply(cal_script *script, cal_part argument, cal_error *error) {
  cal_node *node = cal_alloc(&script->arena, sizeof *node + 2 * sizeof(cal_part));
  if (node == NULL) {
    return exhausted(error);
  }
  *node = (cal_node){.op = CAL_OP_APPLY};
  node->parts[0] = script->root;
  node->parts[1] = argument;
  script->root = (cal_part)node;
  script->nodes++;
  return CAL_OK;
}

cal_status cal_script_apply_data(cal_script *script, const uint8_t *cbor, size_t length,
                                 cal_error *error) {
  uint8_t *copy = cal_alloc(&script->arena, length);
  cal_value *value = cal_alloc(&script->arena, sizeof *value);
  if (copy == NULL || value == NULL) {
    return exhausted(error);
  }
  memcpy(copy, cbor, length);
  const cal_status status = cal_data_from_cbor(&script->arena, copy, length, true, value, error);
  if (status != CAL_OK) {
    return status;
  }
  script->nodes++;
  return apply(script, cal_part_constant(value), error);
}
