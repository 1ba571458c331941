#define _GNU_SOURCE /* RUSAGE_THREAD */

#include "timing/scheduling.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

cal_scheduling cal_scheduling_open(void) {
  return (cal_scheduling){open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)};
}

void cal_scheduling_close(cal_scheduling *scheduling) {
  if (scheduling->schedstat >= 0) {
    (void)close(scheduling->schedstat);
    scheduling->schedstat = -1;
  }
}

/* The file's line is: time on the core, run delay, time slices; both in ns. */
static cal_status read_run_delay(const cal_scheduling *scheduling, uint64_t *ns, cal_error *error) {
  char line[96];
  const ssize_t length = pread(scheduling->schedstat, line, sizeof line - 1, 0);
  if (length <= 0) {
    return cal_fail(error, CAL_FAILED, "cannot read /proc/thread-self/schedstat");
  }
  line[length] = '\0';
  char *delay = line;
  (void)strtoull(line, &delay, 10);
  *ns = strtoull(delay, NULL, 10);
  return CAL_OK;
}

cal_status cal_scheduling_read(const cal_scheduling *scheduling, cal_scheduling_reading *reading,
                               cal_error *error) {
  struct rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) != 0) {
    return cal_fail(error, CAL_FAILED, "cannot read the thread's context switches");
  }
  reading->involuntary = (uint64_t)usage.ru_nivcsw;
  reading->run_delay_ns = 0;
  return scheduling->schedstat < 0 ? CAL_OK
                                   : read_run_delay(scheduling, &reading->run_delay_ns, error);
}
