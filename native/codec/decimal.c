#include "codec/decimal.h"

#include <gmp.h>
#include <string.h>

#include "machine/gmp_memory.h"

_Static_assert(sizeof(mp_limb_t) == sizeof(uint64_t), "a limb is 64 bits");

/* 2^64 > 10^19 and 2^64 < 10^20. */
enum { DIGITS_IN_LIMB = 19, DIGITS_FOR_LIMB = 20 };

/* More than twice the scratch that GMP was seen to take, a limb of the number. */
enum { SCRATCH_TIMES = 24, SCRATCH_BESIDES = 4096 };

size_t cal_decimal_limbs(size_t digits) { return digits / DIGITS_IN_LIMB + 2; }

size_t cal_decimal_digits(size_t limbs) { return limbs * DIGITS_FOR_LIMB + 1; }

/* Makes an arena of its own, and lends GMP all of it. */
static cal_status begin(cal_arena *arena, size_t limbs) {
  cal_gmp_install();
  cal_arena_init(arena, SIZE_MAX / 2);
  if (limbs <= cal_decimal_limbs(CAL_MOST_DIGITS) &&
      cal_gmp_lend(arena, limbs * SCRATCH_TIMES + SCRATCH_BESIDES)) {
    return CAL_OK;
  }
  cal_arena_release(arena);
  return CAL_OUT_OF_MEMORY;
}

static void end(cal_arena *arena) {
  cal_gmp_end_loan();
  cal_arena_release(arena);
}

cal_status cal_decimal_parse(uint8_t *digits, size_t length, uint64_t *limbs) {
  cal_arena arena;
  const size_t count = cal_decimal_limbs(length);
  const cal_status status = begin(&arena, count);
  if (status != CAL_OK) {
    return status;
  }
  for (size_t i = 0; i < length; i++) {
    digits[i] = (uint8_t)(digits[i] - '0');
  }
  const size_t used = (size_t)mpn_set_str((mp_limb_t *)limbs, digits, length, 10);
  memset(limbs + used, 0, (count - used) * sizeof *limbs);
  end(&arena);
  return CAL_OK;
}

cal_status cal_decimal_print(uint64_t *limbs, size_t count, uint8_t *digits, size_t *length) {
  cal_arena arena;
  const cal_status status = begin(&arena, count);
  if (status != CAL_OK) {
    return status;
  }
  const size_t made = mpn_get_str(digits, 10, (mp_limb_t *)limbs, (mp_size_t)count);
  size_t zeros = 0;
  while (zeros + 1 < made && digits[zeros] == 0) {
    zeros++;
  }
  *length = made - zeros;
  for (size_t i = 0; i < *length; i++) {
    digits[i] = (uint8_t)(digits[i + zeros] + '0');
  }
  end(&arena);
  return CAL_OK;
}
