/* Batches: iterations of a work between two readings of the clock. */
#ifndef CAL_BATCH_H
#define CAL_BATCH_H

#include <stdbool.h>

#include "timing/clock.h"
#include "timing/scheduling.h"
#include "timing/work.h"

/* A batch to be timed: `warm_up` iterations that bring the work into caches and
 * branch predictors, then `iterations` inside the clock. */
typedef struct cal_batch_order {
  const cal_work *work;
  uint64_t warm_up;
  uint64_t iterations;
} cal_batch_order;

typedef struct cal_batch {
  uint64_t ticks;
  uint64_t involuntary; /* context switches, as cal_scheduling_reading */
  uint64_t run_delay_ns;
  uint32_t cpu_begin;
  uint32_t cpu_end;
} cal_batch;

/* Times batches one after another on the calling thread. Results are checked
 * and the scheduling is read outside the clock. Out: batches[0 .. *done). Stops
 * at the first that fails, which is then number *done. */
cal_status cal_batches_time(cal_clock clock, const cal_scheduling *scheduling,
                            const cal_batch_order *orders, size_t count, cal_batch *batches,
                            size_t *done, cal_error *error);

/* false for a build without valgrind's headers: it cannot count instructions. */
bool cal_counting_built(void);

/* Lets callgrind count from now on. false where this process does not run under
 * valgrind, or is of a build that cannot count: then nothing is counted. */
bool cal_counting_start(void);

/* Has callgrind write what `iterations` of a work execute to a file of its own,
 * marked with `label`. The same loop as a timed batch; the result is checked. */
cal_status cal_batch_count(const cal_work *work, uint64_t iterations, const char *label,
                           cal_error *error);

#endif
