#include <string.h>

#include "builtins/families.h"
#include "codec/utf8.h"
#include "machine/machine.h"

cal_status cal_appendString(const cal_call *call, const cal_value *a, cal_value *result) {
  return cal_return(call, cal_join_bytes(call->arena, CAL_TEXT, a[0], a[1]), result);
}

cal_status cal_equalsString(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  const cal_bytes *left = CAL_AS(cal_bytes, a[0]);
  const cal_bytes *right = CAL_AS(cal_bytes, a[1]);
  *result = cal_from_bool(left->length == right->length &&
                          memcmp(left->data, right->data, left->length) == 0);
  return CAL_OK;
}

cal_status cal_encodeUtf8(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *text = CAL_AS(cal_bytes, a[0]);
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, text->data, text->length), result);
}

cal_status cal_decodeUtf8(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, a[0]);
  if (!cal_is_utf8(bytes->data, bytes->length)) {
    return cal_fail(call->error, CAL_FAILED, "builtin decodeUtf8: bytes that are not UTF-8");
  }
  return cal_return(call, cal_make_bytes(call->arena, CAL_TEXT, bytes->data, bytes->length),
                    result);
}

cal_status cal_trace(const cal_call *call, const cal_value *a, cal_value *result) {
  cal_log *log = call->log;
  if (log->count < sizeof log->lines / sizeof *log->lines) {
    log->lines[log->count++] = a[0];
  } else {
    log->dropped++;
  }
  *result = a[1];
  return CAL_OK;
}
