/* Integers as byte strings and back: CIP-0121. */
#include "builtins/families.h"
#include "builtins/words.h"

/* The longest result, asked for or needed: beyond it the time that the
 * conversion takes is no longer proportional to the length. */
enum { MOST_BYTES = 8192 };

static size_t bytes_needed(const cal_limbs *number) {
  return number->count == 0 ? 0
                            : (mpn_sizeinbase(number->limbs, (mp_size_t)number->count, 2) + 7) / 8;
}

/* Writes the lowest `count` bytes of a number, which has as many limbs as that
 * takes; the first of them lies at `bytes`, or the last with `big_endian`. */
static void write_limbs(uint8_t *bytes, const mp_limb_t *limbs, size_t count, bool big_endian) {
  size_t i = 0;
  for (; i + CAL_WORD <= count; i += CAL_WORD) {
    const mp_limb_t limb = limbs[i / CAL_WORD];
    if (big_endian) {
      cal_store(bytes + count - i - CAL_WORD, cal_big_endian(limb));
    } else {
      cal_store(bytes + i, cal_little_endian(limb));
    }
  }
  for (; i < count; i++) {
    bytes[big_endian ? count - 1 - i : i] = (uint8_t)(limbs[i / 8] >> (i % 8 * 8));
  }
}

/* The inverse: sets every limb that has one of the bytes. */
static void read_limbs(mp_limb_t *limbs, const uint8_t *bytes, size_t count, bool big_endian) {
  size_t i = 0;
  for (; i + CAL_WORD <= count; i += CAL_WORD) {
    limbs[i / CAL_WORD] = big_endian ? cal_big_endian(cal_load(bytes + count - i - CAL_WORD))
                                     : cal_little_endian(cal_load(bytes + i));
  }
  if (i < count) {
    limbs[i / CAL_WORD] = 0;
  }
  for (; i < count; i++) {
    limbs[i / 8] |= (mp_limb_t)bytes[big_endian ? count - 1 - i : i] << (i % 8 * 8);
  }
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
  const bool big_endian = cal_bool(a[0]);
  const size_t padding = length - needed;
  memset(big_endian ? bytes : bytes + needed, 0, padding);
  write_limbs(big_endian ? bytes + padding : bytes, number.limbs, needed, big_endian);
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, bytes, length), result);
}

/* Arguments: big-endian?, the bytes. */
cal_status cal_byteStringToInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, a[1]);
  const size_t count = (bytes->length + CAL_WORD - 1) / CAL_WORD;
  cal_big *number = cal_begin_integer(call->arena, count);
  if (number == NULL) {
    return cal_exhausted(call);
  }
  read_limbs(number->limbs, bytes->data, bytes->length, cal_bool(a[0]));
  return cal_return(call, cal_end_integer(call->arena, number, count, false), result);
}
