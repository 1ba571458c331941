/* 64-bit arithmetic that saturates instead of wrapping, so that an overflowing
 * cost is too large and never too small (plutus `SatInt`). */
#ifndef CAL_UNITS_H
#define CAL_UNITS_H

#include <stdint.h>

static inline int64_t cal_sat_add(int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) {
    return a < 0 ? INT64_MIN : INT64_MAX;
  }
  return sum;
}

static inline int64_t cal_sat_sub(int64_t a, int64_t b) {
  int64_t difference;
  if (__builtin_sub_overflow(a, b, &difference)) {
    return a < 0 ? INT64_MIN : INT64_MAX;
  }
  return difference;
}

static inline int64_t cal_sat_mul(int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) {
    return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
  }
  return product;
}

/* ExUnits: CPU in picoseconds, memory in 8-byte words. */
typedef struct cal_ex_units {
  int64_t cpu;
  int64_t mem;
} cal_ex_units;

#endif
