/* What a run is charged for, apart from any prices: how often each builtin is
 * called with each combination of sizes. With the counts of steps, which the
 * outcome has, this prices the run under any cost model.
 */
#ifndef CAL_USAGE_H
#define CAL_USAGE_H

#include "machine/costs.h"

typedef struct cal_usage_row {
  int64_t sizes[CAL_MAX_ARITY]; /* of every argument; 0 behind the last */
  uint64_t count;
  uint64_t tag;
} cal_usage_row;

/* A hash table without removal, of a power of two of places. Rows are found
 * through `places`, which has 1 + the row's number, or 0. */
typedef struct cal_usage {
  cal_usage_row *rows;
  uint32_t *places;
  size_t count;
  size_t room;                /* for rows; there are twice as many places */
  uint64_t unpaid[CAL_STEPS]; /* steps that a failed run took and did not pay for */
} cal_usage;

/* An empty usage; NULL where there is no memory. */
cal_usage *cal_usage_new(void);
void cal_usage_free(cal_usage *usage);

/* Forgets all rows and keeps the room for them. */
void cal_usage_reset(cal_usage *usage);

/* Counts one more call. False where memory, or the limit on rows, is exhausted. */
bool cal_usage_note(cal_usage *usage, unsigned tag, const int64_t *sizes);

#endif
