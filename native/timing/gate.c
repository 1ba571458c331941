#define _GNU_SOURCE /* RUSAGE_THREAD */

#include "timing/gate.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

cal_gate cal_gate_open(void) {
  return (cal_gate){open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)};
}

void cal_gate_close(cal_gate *gate) {
  if (gate->schedstat >= 0) {
    (void)close(gate->schedstat);
    gate->schedstat = -1;
  }
}

/* The file's line is: time on the core, run delay, time slices; both in ns. */
static cal_status read_run_delay(const cal_gate *gate, uint64_t *ns, cal_error *error) {
  char line[96];
  const ssize_t length = pread(gate->schedstat, line, sizeof line - 1, 0);
  if (length <= 0) {
    return cal_fail(error, CAL_FAILED, "cannot read /proc/thread-self/schedstat");
  }
  line[length] = '\0';
  char *delay = line;
  (void)strtoull(line, &delay, 10);
  *ns = strtoull(delay, NULL, 10);
  return CAL_OK;
}

cal_status cal_gate_read(const cal_gate *gate, cal_gate_reading *reading, cal_error *error) {
  struct rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) != 0) {
    return cal_fail(error, CAL_FAILED, "cannot read the thread's context switches");
  }
  reading->involuntary = (uint64_t)usage.ru_nivcsw;
  reading->run_delay_ns = 0;
  return gate->schedstat < 0 ? CAL_OK : read_run_delay(gate, &reading->run_delay_ns, error);
}
