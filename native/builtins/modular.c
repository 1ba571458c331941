/* Modular exponentiation: CIP-0109. */
#include "builtins/families.h"
#include "machine/gmp_memory.h"

/* Base and exponent are signed integers of so many bits, the modulus is positive
 * and one bit shorter. The bound is also what lets GMP's mpz functions be used,
 * which allocate: 131 KB for numbers of that length. */
enum { MOST_BITS = 8192 };

/* A table of powers of the base, as many as exponents of that length need, and a
 * few numbers besides. */
static size_t scratch_limbs(mpz_srcptr base, mpz_srcptr exponent, mpz_srcptr modulus) {
  enum { TABLE = 192, TIMES = 16, BESIDES = 1024 };
  return mpz_size(modulus) * TABLE + (mpz_size(base) + mpz_size(exponent)) * TIMES + BESIDES;
}

static void view(mpz_t number, cal_value integer, mp_limb_t *spare) {
  const cal_limbs limbs = cal_limbs_of(integer, spare);
  const mp_size_t count = (mp_size_t)limbs.count;
  (void)mpz_roinit_n(number, limbs.limbs, limbs.negative ? -count : count);
}

/* base^exponent mod modulus, for a modulus above 1. False where the exponent is
 * negative and the base has no inverse. */
static bool power(mpz_t result, mpz_srcptr base, mpz_srcptr exponent, mpz_srcptr modulus) {
  mpz_mod(result, base, modulus);
  if (mpz_sgn(exponent) >= 0) {
    mpz_powm(result, result, exponent, modulus);
    return true;
  }
  if (mpz_invert(result, result, modulus) == 0) {
    return false;
  }
  mpz_t positive;
  mpz_init(positive);
  mpz_neg(positive, exponent);
  mpz_powm(result, result, positive, modulus);
  mpz_clear(positive);
  return true;
}

cal_status cal_expModInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  if (cal_is_negative(a[2]) || a[2] == cal_from_small(0) || !cal_fits_bits(a[2], MOST_BITS)) {
    return cal_fail(call->error, CAL_FAILED,
                    "builtin expModInteger: a modulus that is not positive or too large");
  }
  if (a[2] == cal_from_small(1)) {
    *result = cal_from_small(0); /* whatever the others are */
    return CAL_OK;
  }
  if (!cal_fits_bits(a[0], MOST_BITS) || !cal_fits_bits(a[1], MOST_BITS)) {
    return cal_fail(call->error, CAL_FAILED,
                    "builtin expModInteger: a base or exponent beyond %d bits", MOST_BITS);
  }
  cal_begin_scratch(call);
  mp_limb_t spare[3];
  mpz_t base;
  mpz_t exponent;
  mpz_t modulus;
  view(base, a[0], &spare[0]);
  view(exponent, a[1], &spare[1]);
  view(modulus, a[2], &spare[2]);
  if (!cal_gmp_lend(call->scratch, scratch_limbs(base, exponent, modulus))) {
    return cal_exhausted(call);
  }
  mpz_t found;
  mpz_init(found);
  cal_status status = CAL_OK;
  if (power(found, base, exponent, modulus)) {
    status = cal_return(
        call, cal_make_integer(call->arena, mpz_limbs_read(found), mpz_size(found), false), result);
  } else {
    status = cal_fail(call->error, CAL_FAILED,
                      "builtin expModInteger: the base has no inverse for that modulus");
  }
  mpz_clear(found);
  cal_gmp_end_loan();
  return status;
}
