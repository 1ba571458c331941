#include <string.h>

#include "builtins/families.h"

static const cal_bytes *bytes_of(cal_value value) { return CAL_AS(cal_bytes, value); }

cal_status cal_appendByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  return cal_return(call, cal_join_bytes(call->arena, CAL_BYTES, a[0], a[1]), result);
}

/* The byte to put in front: any integer modulo 256 in variants A, B and D, one
 * that is a byte in C and E. */
static bool byte_of(const cal_call *call, cal_value integer, uint8_t *byte) {
  const bool wraps = call->variant == CAL_VARIANT_A || call->variant == CAL_VARIANT_B ||
                     call->variant == CAL_VARIANT_D;
  mp_limb_t spare = 0;
  const cal_limbs limbs = cal_limbs_of(integer, &spare);
  const mp_limb_t lowest = limbs.count == 0 ? 0 : limbs.limbs[0];
  *byte = (uint8_t)(limbs.negative ? 0 - lowest : lowest);
  return wraps || (!limbs.negative && limbs.count <= 1 && lowest <= 255);
}

cal_status cal_consByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *tail = bytes_of(a[1]);
  uint8_t byte = 0;
  if (!byte_of(call, a[0], &byte)) {
    return cal_fail(call->error, CAL_FAILED, "builtin consByteString: a byte outside 0 to 255");
  }
  uint8_t *joined = cal_alloc(call->arena, tail->length + 1);
  if (joined == NULL) {
    return cal_exhausted(call);
  }
  joined[0] = byte;
  if (tail->length < CAL_LONG_COPY) {
    memcpy(joined + 1, tail->data, tail->length);
  } else {
    cal_copy_long(call->arena, joined + 1, tail->data, tail->length);
  }
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, joined, tail->length + 1), result);
}

/* An integer as a position or count, negative ones as 0, none beyond `most`.
 * The ledger demands first that it fits the machine's own, and then clamps. */
static size_t clamped(cal_value integer, size_t most) {
  if (!cal_is_small(integer)) {
    return CAL_AS(cal_big, integer)->head.form != 0 ? 0 : most;
  }
  const int64_t number = cal_small(integer);
  if (number <= 0) {
    return 0;
  }
  return (uint64_t)number > most ? most : (size_t)number;
}

cal_status cal_sliceByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *whole = bytes_of(a[2]);
  if (!cal_fits_bits(a[0], 64) || !cal_fits_bits(a[1], 64)) {
    return cal_fail(call->error, CAL_FAILED, "builtin sliceByteString: an index beyond 64 bits");
  }
  const size_t start = clamped(a[0], whole->length);
  const size_t count = clamped(a[1], whole->length - start);
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, whole->data + start, count),
                    result);
}

cal_status cal_lengthOfByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  return cal_return(call, cal_make_size(call->arena, bytes_of(a[0])->length), result);
}

cal_status cal_indexByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *whole = bytes_of(a[0]);
  if (!cal_is_small(a[1]) || cal_small(a[1]) < 0 || (uint64_t)cal_small(a[1]) >= whole->length) {
    return cal_fail(call->error, CAL_FAILED, "builtin indexByteString: index out of bounds");
  }
  *result = cal_from_small(whole->data[cal_small(a[1])]);
  return CAL_OK;
}

static int compare(const cal_value *a) { return cal_compare_bytes(bytes_of(a[0]), bytes_of(a[1])); }

cal_status cal_equalsByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = cal_from_bool(bytes_of(a[0])->length == bytes_of(a[1])->length && compare(a) == 0);
  return CAL_OK;
}

cal_status cal_lessThanByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = cal_from_bool(compare(a) < 0);
  return CAL_OK;
}

cal_status cal_lessThanEqualsByteString(const cal_call *call, const cal_value *a,
                                        cal_value *result) {
  (void)call;
  *result = cal_from_bool(compare(a) <= 0);
  return CAL_OK;
}
