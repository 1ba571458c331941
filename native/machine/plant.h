/* A delay planted in one builtin, in test builds only: what measuring and drift
 * checks are to find. -DCAL_PLANT_BUILTIN=<flat tag> -DCAL_PLANT_TURNS=<turns>;
 * a build knows its flags, so it tells of itself (scripts/planted makes one). */
#ifndef CAL_PLANT_H
#define CAL_PLANT_H

#include <stdint.h>

#ifdef CAL_PLANT_BUILTIN

/* A turn is one multiplication that waits for the one before: 3 or 4 cycles on
 * any processor of today. */
static inline void cal_planted_delay(unsigned tag) {
  uint64_t state = tag | 1U;
  if (tag == CAL_PLANT_BUILTIN) {
    for (uint64_t turn = 0; turn < CAL_PLANT_TURNS; turn++) {
      state *= UINT64_C(0x9e3779b97f4a7c15);
      __asm__ volatile("" : "+r"(state)); /* or the compiler would drop the loop */
    }
  }
}

#else

static inline void cal_planted_delay(unsigned tag) { (void)tag; }

#endif

#endif
