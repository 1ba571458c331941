/* What the kernel did to the measuring thread: read before and after a batch,
 * outside the clock. */
#ifndef CAL_SCHEDULING_H
#define CAL_SCHEDULING_H

#include <stdint.h>

#include "machine/status.h"

typedef struct cal_scheduling {
  int schedstat; /* /proc/thread-self/schedstat, kept open; -1 where the kernel has none */
} cal_scheduling;

typedef struct cal_scheduling_reading {
  uint64_t involuntary;  /* context switches that the thread did not ask for */
  uint64_t run_delay_ns; /* time it was ready to run and did not; 0 without schedstat */
} cal_scheduling_reading;

/* For the calling thread, to be closed with cal_scheduling_close. */
cal_scheduling cal_scheduling_open(void);
void cal_scheduling_close(cal_scheduling *scheduling);

cal_status cal_scheduling_read(const cal_scheduling *scheduling, cal_scheduling_reading *reading,
                               cal_error *error);

#endif
