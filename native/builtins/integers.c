/* Integers of any size: machine words where they fit, GMP's limbs otherwise. */
#include <string.h>

#include "builtins/families.h"
#include "builtins/integers.h"
#include "machine/gmp_memory.h"

static int compare_magnitudes(const cal_limbs *x, const cal_limbs *y) {
  if (x->count != y->count) {
    return x->count < y->count ? -1 : 1;
  }
  return x->count == 0 ? 0 : mpn_cmp(x->limbs, y->limbs, (mp_size_t)x->count);
}

int cal_integer_compare(cal_value left, cal_value right) {
  if (cal_is_small(left) && cal_is_small(right)) {
    return (cal_small(left) > cal_small(right)) - (cal_small(left) < cal_small(right));
  }
  mp_limb_t spare[2];
  const cal_limbs x = cal_limbs_of(left, &spare[0]);
  const cal_limbs y = cal_limbs_of(right, &spare[1]);
  if (x.negative != y.negative) {
    return x.negative ? -1 : 1;
  }
  const int order = compare_magnitudes(&x, &y);
  return x.negative ? -order : order;
}

/* x + y for numbers beyond the small ones; `flip` changes the sign of y. */
static cal_value add_limbs(cal_arena *arena, cal_value left, cal_value right, bool flip) {
  mp_limb_t spare[2];
  cal_limbs x = cal_limbs_of(left, &spare[0]);
  cal_limbs y = cal_limbs_of(right, &spare[1]);
  y.negative = y.negative != flip;
  if (compare_magnitudes(&x, &y) < 0) {
    const cal_limbs swapped = x;
    x = y;
    y = swapped;
  }
  if (y.count == 0) {
    return cal_make_integer(arena, x.limbs, x.count, x.negative);
  }
  cal_big *sum = cal_begin_integer(arena, x.count + 1);
  if (sum == NULL) {
    return 0;
  }
  mp_limb_t carry = 0;
  if (x.negative == y.negative) {
    carry = mpn_add(sum->limbs, x.limbs, (mp_size_t)x.count, y.limbs, (mp_size_t)y.count);
  } else {
    (void)mpn_sub(sum->limbs, x.limbs, (mp_size_t)x.count, y.limbs, (mp_size_t)y.count);
  }
  sum->limbs[x.count] = carry;
  return cal_end_integer(arena, sum, x.count + 1, x.negative);
}

cal_status cal_addInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  if (CAL_LIKELY(cal_is_small(a[0]) && cal_is_small(a[1]))) {
    /* Two 63-bit numbers add up within 64 bits. */
    return cal_return(call, cal_make_int64(call->arena, cal_small(a[0]) + cal_small(a[1])), result);
  }
  return cal_return(call, cal_integer_add(call, a[0], a[1]), result);
}

cal_status cal_subtractInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  if (CAL_LIKELY(cal_is_small(a[0]) && cal_is_small(a[1]))) {
    return cal_return(call, cal_make_int64(call->arena, cal_small(a[0]) - cal_small(a[1])), result);
  }
  return cal_return(call, add_limbs(call->arena, a[0], a[1], true), result);
}

cal_value cal_integer_add(const cal_call *call, cal_value left, cal_value right) {
  return add_limbs(call->arena, left, right, false);
}

cal_value cal_integer_multiply(const cal_call *call, cal_value left, cal_value right) {
  mp_limb_t spare[2];
  cal_limbs x = cal_limbs_of(left, &spare[0]);
  cal_limbs y = cal_limbs_of(right, &spare[1]);
  if (x.count < y.count) {
    const cal_limbs swapped = x;
    x = y;
    y = swapped;
  }
  if (y.count == 0) {
    return cal_from_small(0);
  }
  const size_t count = x.count + y.count;
  cal_big *product = cal_begin_integer(call->arena, count);
  if (product == NULL || !cal_gmp_lend(call->scratch, cal_gmp_scratch(count))) {
    return 0;
  }
  if (x.limbs == y.limbs && x.count == y.count) {
    mpn_sqr(product->limbs, x.limbs, (mp_size_t)x.count);
  } else {
    (void)mpn_mul(product->limbs, x.limbs, (mp_size_t)x.count, y.limbs, (mp_size_t)y.count);
  }
  cal_gmp_end_loan();
  return cal_end_integer(call->arena, product, count, x.negative != y.negative);
}

cal_status cal_multiplyInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  int64_t product;
  if (cal_is_small(a[0]) && cal_is_small(a[1]) &&
      !__builtin_mul_overflow(cal_small(a[0]), cal_small(a[1]), &product)) {
    return cal_return(call, cal_make_int64(call->arena, product), result);
  }
  cal_begin_scratch(call);
  return cal_return(call, cal_integer_multiply(call, a[0], a[1]), result);
}

typedef enum rounding { TRUNCATE, FLOOR } rounding;

/* One of the four divisions where the dividend is the smaller in magnitude: the
 * quotient is 0, or -1 where rounding down makes it so, and nothing is divided. */
static cal_value divide_by_larger(cal_arena *arena, cal_value left, cal_value right, bool adjust,
                                  bool remainder) {
  if (!remainder) {
    return cal_from_small(adjust ? -1 : 0);
  }
  return adjust ? add_limbs(arena, left, right, false) : left;
}

/* Divides magnitudes of which the first is no smaller. Only what is asked for,
 * quotient or rest, goes into the result; the other is scratch. */
static cal_value divide_limbs(const cal_call *call, const cal_limbs *x, const cal_limbs *y,
                              rounding rounding, bool remainder) {
  /* Rounding down may carry into a further limb. */
  const size_t quotients = x->count - y->count + 2;
  cal_big *made = cal_begin_integer(call->arena, remainder ? y->count : quotients);
  mp_limb_t *other =
      cal_alloc_array(call->scratch, remainder ? quotients : y->count, sizeof *other);
  if (made == NULL || other == NULL ||
      !cal_gmp_lend(call->scratch, cal_gmp_scratch(x->count + y->count))) {
    return 0;
  }
  mp_limb_t *quotient = remainder ? other : made->limbs;
  mp_limb_t *rest = remainder ? made->limbs : other;
  mpn_tdiv_qr(quotient, rest, 0, x->limbs, (mp_size_t)x->count, y->limbs, (mp_size_t)y->count);
  cal_gmp_end_loan();
  quotient[quotients - 1] = 0;
  const bool adjust =
      rounding == FLOOR && x->negative != y->negative && mpn_zero_p(rest, (mp_size_t)y->count) == 0;
  if (!remainder) {
    if (adjust) {
      (void)mpn_add_1(quotient, quotient, (mp_size_t)quotients, 1);
    }
    return cal_end_integer(call->arena, made, quotients, x->negative != y->negative);
  }
  if (adjust) {
    (void)mpn_sub_n(rest, y->limbs, rest, (mp_size_t)y->count);
  }
  return cal_end_integer(call->arena, made, y->count, adjust ? y->negative : x->negative);
}

/* One of the four divisions, for a divisor other than 0. */
static cal_value divide(const cal_call *call, cal_value left, cal_value right, rounding rounding,
                        bool remainder) {
  mp_limb_t spare[2];
  const cal_limbs x = cal_limbs_of(left, &spare[0]);
  const cal_limbs y = cal_limbs_of(right, &spare[1]);
  if (compare_magnitudes(&x, &y) < 0) {
    const bool adjust = rounding == FLOOR && x.count != 0 && x.negative != y.negative;
    return divide_by_larger(call->arena, left, right, adjust, remainder);
  }
  return divide_limbs(call, &x, &y, rounding, remainder);
}

static int64_t divide_small(int64_t x, int64_t y, rounding rounding, bool remainder) {
  const int64_t quotient = x / y;
  const int64_t rest = x % y;
  const bool adjust = rounding == FLOOR && rest != 0 && (rest < 0) != (y < 0);
  if (remainder) {
    return adjust ? rest + y : rest;
  }
  return adjust ? quotient - 1 : quotient;
}

static cal_status division(const cal_call *call, const char *name, const cal_value *a,
                           rounding rounding, bool remainder, cal_value *result) {
  if (a[1] == cal_from_small(0)) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: division by zero", name);
  }
  if (CAL_LIKELY(cal_is_small(a[0]) && cal_is_small(a[1]))) {
    const int64_t number = divide_small(cal_small(a[0]), cal_small(a[1]), rounding, remainder);
    return cal_return(call, cal_make_int64(call->arena, number), result);
  }
  cal_begin_scratch(call);
  return cal_return(call, divide(call, a[0], a[1], rounding, remainder), result);
}

cal_status cal_divideInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  return division(call, "divideInteger", a, FLOOR, false, result);
}

cal_status cal_quotientInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  return division(call, "quotientInteger", a, TRUNCATE, false, result);
}

cal_status cal_remainderInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  return division(call, "remainderInteger", a, TRUNCATE, true, result);
}

cal_status cal_modInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  return division(call, "modInteger", a, FLOOR, true, result);
}

cal_status cal_equalsInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = cal_from_bool(cal_integer_equal(a[0], a[1]));
  return CAL_OK;
}

cal_status cal_lessThanInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = cal_from_bool(cal_integer_compare(a[0], a[1]) < 0);
  return CAL_OK;
}

cal_status cal_lessThanEqualsInteger(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  *result = cal_from_bool(cal_integer_compare(a[0], a[1]) <= 0);
  return CAL_OK;
}
