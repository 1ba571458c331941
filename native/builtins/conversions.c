/* Integers as byte strings and back: CIP-0121. */
#include <string.h>

#include "builtins/families.h"

/* The longest result, asked for or needed: beyond it the time that the
 * conversion takes is no longer proportional to the length. */
enum { MOST_BYTES = 8192 };

static size_t bytes_needed(const cal_limbs *number) {
  return number->count == 0
             ? 0
             : (mpn_sizeinbase(number->limbs, (mp_size_t)number->count, 2) + 7) / 8;
}

/* Arguments: big-endian?, the length or 0 for the shortest, the integer. */
cal_status cal_integerToByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  mp_limb_t spare = 0;
  const cal_limbs number = cal_limbs_of(a[2], &spare);
  const size_t needed = bytes_needed(&number);
  int64_t asked = 0;
  if (!cal_int64_of(a[1], &asked) || asked < 0 || asked > MOST_BYTES) {
    return cal_fail(call->error, CAL_FAILED,
                    "builtin integerToByteString: a length outside 0 to %d", MOST_BYTES);
  }
  const size_t length = asked == 0 ? needed : (size_t)asked;
  if (number.negative || needed > length || length > MOST_BYTES) {
    return cal_fail(call->error, CAL_FAILED,
                    number.negative ? "builtin integerToByteString: a negative integer"
                                    : "builtin integerToByteString: the integer is too large");
  }
  uint8_t *bytes = cal_alloc(call->arena, length);
  if (bytes == NULL) {
    return cal_exhausted(call);
  }
  memset(bytes, 0, length);
  const bool big_endian = cal_bool(a[0]);
  for (size_t i = 0; i < needed; i++) {
    bytes[big_endian ? length - 1 - i : i] = (uint8_t)(number.limbs[i / 8] >> (i % 8 * 8));
  }
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, bytes, length), result);
}

/* Arguments: big-endian?, the bytes. */
cal_status cal_byteStringToInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, a[1]);
  const size_t count = bytes->length / 8 + 1;
  mp_limb_t *limbs = cal_alloc_array(call->arena, count, sizeof *limbs);
  if (limbs == NULL) {
    return cal_exhausted(call);
  }
  memset(limbs, 0, count * sizeof *limbs);
  const bool big_endian = cal_bool(a[0]);
  for (size_t i = 0; i < bytes->length; i++) {
    const mp_limb_t byte = bytes->data[big_endian ? bytes->length - 1 - i : i];
    limbs[i / 8] |= byte << (i % 8 * 8);
  }
  return cal_return(call, cal_make_integer(call->arena, limbs, count, false), result);
}
