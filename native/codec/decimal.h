/* Integers from and to decimal digits, in GMP's sub-quadratic time. */
#ifndef CAL_DECIMAL_H
#define CAL_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#include "machine/status.h"

/* The longest number of digits: 2^27, which takes some seconds. */
enum { CAL_MOST_DIGITS = 1 << 27 };

/* Limbs that hold any number of so many decimal digits, and digits that spell any
 * number of so many limbs. */
size_t cal_decimal_limbs(size_t digits);
size_t cal_decimal_digits(size_t limbs);

/* `digits` are ASCII, at least one, and are overwritten. Out: `limbs`, least first,
 * as many as cal_decimal_limbs says, the highest ones 0. CAL_OUT_OF_MEMORY where
 * there is none, or with more than CAL_MOST_DIGITS. */
cal_status cal_decimal_parse(uint8_t *digits, size_t length, uint64_t *limbs);

/* `limbs` are least first, the highest not 0, and are overwritten. Out: `digits` in
 * ASCII without leading zeros, and *length of them. */
cal_status cal_decimal_print(uint64_t *limbs, size_t count, uint8_t *digits, size_t *length);

#endif
