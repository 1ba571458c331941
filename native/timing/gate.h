/* What the kernel did to the measuring thread: read before and after a batch,
 * outside the clock. */
#ifndef CAL_GATE_H
#define CAL_GATE_H

#include <stdint.h>

#include "machine/status.h"

typedef struct cal_gate {
  int schedstat; /* /proc/thread-self/schedstat, kept open; -1 where the kernel has none */
} cal_gate;

typedef struct cal_gate_reading {
  uint64_t involuntary;  /* context switches that the thread did not ask for */
  uint64_t run_delay_ns; /* time it was ready to run and did not; 0 without schedstat */
} cal_gate_reading;

/* For the calling thread, to be closed with cal_gate_close. */
cal_gate cal_gate_open(void);
void cal_gate_close(cal_gate *gate);

cal_status cal_gate_read(const cal_gate *gate, cal_gate_reading *reading, cal_error *error);

#endif
