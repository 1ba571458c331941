/* Arithmetic that other builtins need too. */
#ifndef CAL_INTEGERS_H
#define CAL_INTEGERS_H

#include <string.h>

#include "builtins/table.h"

/* 0 where the arena is exhausted. A product uses scratch. */
cal_value cal_integer_add(const cal_call *call, cal_value left, cal_value right);
cal_value cal_integer_multiply(const cal_call *call, cal_value left, cal_value right);

static inline bool cal_integer_equal(cal_value left, cal_value right) {
  if (cal_is_small(left) || cal_is_small(right)) {
    return left == right; /* integers have one form */
  }
  const cal_big *x = CAL_AS(cal_big, left);
  const cal_big *y = CAL_AS(cal_big, right);
  return x->head.form == y->head.form && x->head.size == y->head.size &&
         memcmp(x->limbs, y->limbs, x->head.size * sizeof(mp_limb_t)) == 0;
}

/* Negative, zero or positive. */
int cal_integer_compare(cal_value left, cal_value right);

#endif
