/* What native code takes from malloc: counted, and made to fail on demand.
 *
 * The linker puts these functions in front of malloc, calloc, realloc and free
 * (--wrap) for every object of a fuzz build. Blocks that come from a shared
 * library are not seen, except GMP's, which cal_track_gmp hands over.
 */
#ifndef CAL_TRACKER_H
#define CAL_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cal_tracked {
  int64_t held;         /* bytes allocated and not yet freed since cal_track_begin */
  int64_t peak;         /* the most that `held` was */
  uint64_t allocations; /* calls that asked for memory, refused ones included */
} cal_tracked;

/* Starts counting at zero. Between begin and end only what is allocated there
 * may be freed there, or `held` ends below zero. */
void cal_track_begin(void);
cal_tracked cal_track_end(void);

/* From now on the `nth` request fails, the first being 1, and all that follow
 * it with `lasting`. 0 refuses nothing. */
void cal_track_refuse(uint64_t nth, bool lasting);

/* Makes GMP take its memory through the same counters. GMP cannot be refused:
 * it aborts where it is. */
void cal_track_gmp(void);

#endif
