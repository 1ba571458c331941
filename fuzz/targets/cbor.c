/* Reading Data from CBOR; what is read is written, and read and written again. */
#include "codec/cbor.h"

#include <string.h>

#include "builtins/families.h"
#include "target.h"

enum { CAP = 4 * 1024 * 1024 };

static void check_equal(cal_arena *arena, cal_value left, cal_value right) {
  cal_error error = {0};
  const cal_call call = {arena, arena, &error, NULL, CAL_VARIANT_E};
  const cal_value both[2] = {left, right};
  cal_value equal = 0;
  const cal_status status = cal_equalsData(&call, both, &equal);
  cal_target_expect(status, CAL_MAY_SUCCEED, &error);
  CAL_CHECK(status != CAL_OK || equal == cal_from_bool(true));
}

static void check_written(cal_arena *arena, cal_value data) {
  cal_error error = {0};
  const uint8_t *bytes = NULL;
  const uint8_t *again = NULL;
  size_t length = 0;
  size_t again_length = 0;
  bool readable = false;
  cal_status status = cal_data_to_cbor(arena, data, SIZE_MAX, &bytes, &length, &readable, &error);
  cal_value copy = 0;
  if (status == CAL_OK) {
    status = cal_data_from_cbor(arena, bytes, length, true, &copy, &error);
  }
  if (status == CAL_OK) {
    check_equal(arena, data, copy);
    status = cal_data_to_cbor(arena, copy, SIZE_MAX, &again, &again_length, &readable, &error);
  }
  cal_target_expect(status, CAL_MAY_SUCCEED, &error);
  if (status == CAL_OK) {
    CAL_CHECK(length == again_length && memcmp(bytes, again, length) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  cal_arena arena;
  cal_error error = {0};
  cal_value data = 0;
  cal_target_begin();
  cal_arena_init(&arena, CAP);
  const cal_status status = cal_data_from_cbor(&arena, bytes, length, true, &data, &error);
  cal_target_expect(status, CAL_MAY_SUCCEED | 1U << CAL_MALFORMED, &error);
  if (status == CAL_OK) {
    check_written(&arena, data);
  }
  cal_arena_release(&arena);
  cal_target_end(CAP);
  return 0;
}
