/* Shifts and rotations of byte strings: CIP-0123. A positive amount moves bits
 * towards the front, where the highest ones are. */
#include "builtins/families.h"
#include "builtins/words.h"

/* Variants D and E take the amount as a machine integer. */
static cal_status check_amount(const cal_call *call, const char *name, cal_value amount) {
  return call->variant < CAL_VARIANT_D || cal_fits_bits(amount, 64)
             ? CAL_OK
             : cal_fail(call->error, CAL_FAILED, "builtin %s: an amount beyond 64 bits", name);
}

/* `count` bytes, each with its lowest bits pushed out by `bits`, 0 to 7, from the
 * byte behind it: into[i] = from[i] << bits | from[i + 1] >> (8 - bits). The byte
 * behind the last is read, unless bits is 0. All bytes of a word are moved at
 * once, and what one loses to its neighbour is masked. */
static void move_up(uint8_t *restrict into, const uint8_t *restrict from, size_t count,
                    unsigned bits) {
  if (bits == 0) {
    memcpy(into, from, count);
    return;
  }
  const uint64_t high = CAL_EVERY_BYTE(0xffU << bits & 0xffU);
  const uint64_t low = CAL_EVERY_BYTE(0xffU >> (8 - bits));
  size_t i = 0;
  /* The word behind begins a byte later, and must not end behind what may be read. */
  for (; i + CAL_WORD <= count; i += CAL_WORD) {
    cal_store(into + i,
              (cal_load(from + i) << bits & high) | (cal_load(from + i + 1) >> (8 - bits) & low));
  }
  for (; i < count; i++) {
    into[i] = (uint8_t)(from[i] << bits | from[i + 1] >> (8 - bits));
  }
}

/* Both for amounts below the number of bits, and so for at least one byte. */
static void shift_up(const cal_bytes *input, uint8_t *output, size_t amount) {
  const size_t skip = amount / 8;
  const unsigned bits = amount % 8;
  const size_t last = input->length - skip - 1;
  move_up(output, input->data + skip, last, bits);
  output[last] = (uint8_t)(input->data[input->length - 1] << bits);
  memset(output + last + 1, 0, skip);
}

static void shift_down(const cal_bytes *input, uint8_t *output, size_t amount) {
  const size_t skip = amount / 8;
  const unsigned bits = amount % 8;
  const size_t rest = input->length - skip;
  memset(output, 0, skip);
  if (bits == 0) {
    memcpy(output + skip, input->data, rest);
    return;
  }
  /* Down by n bits is down by one byte too many, and up again by the rest. */
  output[skip] = (uint8_t)(input->data[0] >> bits);
  move_up(output + skip + 1, input->data, rest - 1, 8 - bits);
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
  mp_limb_t spare = 0;
  const cal_limbs amount = cal_limbs_of(a[1], &spare);
  const mp_limb_t bits = amount.count == 0 ? 0 : amount.limbs[0];
  if (amount.count <= 1 && bits / 8 < input->length) {
    (amount.negative ? shift_down : shift_up)(input, output, (size_t)bits);
  } else {
    memset(output, 0, input->length);
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
  const size_t skip = amount / 8;
  const unsigned bits = amount % 8;
  const size_t last = input->length - skip - 1;
  move_up(output, input->data + skip, last, bits);
  output[last] = (uint8_t)(input->data[input->length - 1] << bits | input->data[0] >> (8 - bits));
  move_up(output + last + 1, input->data, skip, bits);
  return give(call, output, input->length, result);
}
