/* What the fuzz targets share. A target takes one input and comes back, or
 * aborts where something does not hold. */
#ifndef CAL_TARGET_H
#define CAL_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "machine/machine.h"

/* The function that libFuzzer, and mutator.c in its absence, calls. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define CAL_CHECK(holds)                             \
  do {                                               \
    if (!(holds)) {                                  \
      cal_target_failed(__FILE__, __LINE__, #holds); \
    }                                                \
  } while (0)

_Noreturn void cal_target_failed(const char *file, int line, const char *what);

/* Every builtin and the no-ops, both versions and group elements. */
cal_decode_options cal_target_options(size_t memory_cap);

/* A machine with the ledger's prices, those that it lacks made up, so that no
 * run ends for want of a price. */
cal_machine *cal_target_machine(cal_variant variant, size_t memory_cap);

/* Counting from here on; and the check that all is given back and that never
 * more than `most` bytes were held, besides what does not count towards caps:
 * some kilobytes of fixed size. */
void cal_target_begin(void);
void cal_target_end(size_t most);

/* Checks that a call ended as it may, by the bits 1 << status in `allowed`, and
 * that it gave its reason where it failed. */
void cal_target_expect(cal_status status, unsigned allowed, const cal_error *error);

enum {
  CAL_MAY_SUCCEED = 1U << CAL_OK | 1U << CAL_OUT_OF_MEMORY,
  CAL_MAY_BE_REFUSED = CAL_MAY_SUCCEED | 1U << CAL_MALFORMED | 1U << CAL_UNAVAILABLE,
  CAL_MAY_FAIL = CAL_MAY_SUCCEED | 1U << CAL_FAILED | 1U << CAL_OVER_BUDGET
};

#endif
