/* Shifts and rotations of byte strings: CIP-0123. A positive amount moves bits
 * towards the front, where the highest ones are. */
#include <string.h>

#include "builtins/families.h"

/* Variants D and E take the amount as a machine integer. */
static cal_status check_amount(const cal_call *call, const char *name, cal_value amount) {
  return call->variant < CAL_VARIANT_D || cal_fits_bits(amount, 64)
             ? CAL_OK
             : cal_fail(call->error, CAL_FAILED, "builtin %s: an amount beyond 64 bits", name);
}

/* Byte `at` of a string moved by less than a byte, whose bytes at and behind
 * that position are `high` and `low`. */
static uint8_t straddle(uint8_t high, uint8_t low, unsigned bits) {
  return (uint8_t)((((unsigned)high << 8 | low) << bits) >> 8);
}

static void shift_up(const cal_bytes *input, uint8_t *output, size_t amount) {
  const size_t skip = amount / 8;
  for (size_t i = 0; i + skip < input->length; i++) {
    const size_t from = i + skip;
    const uint8_t low = from + 1 < input->length ? input->data[from + 1] : 0;
    output[i] = straddle(input->data[from], low, (unsigned)(amount % 8));
  }
}

static void shift_down(const cal_bytes *input, uint8_t *output, size_t amount) {
  /* Down by n bits is down by one byte too many, and up again by the rest. */
  const size_t skip = amount / 8;
  for (size_t i = skip; i < input->length; i++) {
    const size_t from = i - skip;
    const uint8_t high = from > 0 ? input->data[from - 1] : 0;
    output[i] = straddle(high, input->data[from], (unsigned)(8 - amount % 8));
  }
}

static cal_status give(const cal_call *call, const uint8_t *bytes, size_t length,
                       cal_value *result) {
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, bytes, length), result);
}

cal_status cal_shiftByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  const cal_status status = check_amount(call, "shiftByteString", a[1]);
  if (status != CAL_OK) {
    return status;
  }
  uint8_t *output = cal_alloc(call->arena, input->length);
  if (output == NULL) {
    return cal_exhausted(call);
  }
  memset(output, 0, input->length);
  mp_limb_t spare = 0;
  const cal_limbs amount = cal_limbs_of(a[1], &spare);
  const mp_limb_t bits = amount.count == 0 ? 0 : amount.limbs[0];
  if (amount.count <= 1 && bits / 8 < input->length) {
    (amount.negative ? shift_down : shift_up)(input, output, (size_t)bits);
  }
  return give(call, output, input->length, result);
}

/* The amount modulo the number of bits, as a rotation towards the front. */
static size_t normalised(cal_value integer, size_t bits) {
  mp_limb_t spare = 0;
  const cal_limbs amount = cal_limbs_of(integer, &spare);
  const size_t rest =
      amount.count == 0 ? 0 : mpn_mod_1(amount.limbs, (mp_size_t)amount.count, bits);
  return amount.negative && rest != 0 ? bits - rest : rest;
}

cal_status cal_rotateByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  const cal_status status = check_amount(call, "rotateByteString", a[1]);
  if (status != CAL_OK || input->length == 0) {
    *result = a[0];
    return status;
  }
  uint8_t *output = cal_alloc(call->arena, input->length);
  if (output == NULL) {
    return cal_exhausted(call);
  }
  const size_t amount = normalised(a[1], input->length * 8);
  size_t from = amount / 8;
  for (size_t i = 0; i < input->length; i++) {
    const size_t next = from + 1 == input->length ? 0 : from + 1;
    output[i] = straddle(input->data[from], input->data[next], (unsigned)(amount % 8));
    from = next;
  }
  return give(call, output, input->length, result);
}
