/* The clock around a batch.
 *
 * The hardware counter is read between fences, so that no instruction of the
 * batch moves across a reading; CPUID would serialise too, but leaves a virtual
 * machine for microseconds. x86: lfence rdtsc lfence at the start, rdtscp lfence
 * at the end. arm64: isb cntvct_el0 isb at both. Where there is no counter, or
 * it is not constant, CLOCK_MONOTONIC_RAW serves, whose ticks are nanoseconds.
 */
#ifndef CAL_CLOCK_H
#define CAL_CLOCK_H

#include <stdint.h>

#include "machine/status.h"

typedef enum cal_clock {
  CAL_CLOCK_COUNTER, /* the hardware counter; its unit is found by cal_clock_pair */
  CAL_CLOCK_RAW,     /* CLOCK_MONOTONIC_RAW, in nanoseconds */
  CAL_CLOCK_PERF     /* an event that the calling thread counts, see cal_clock_perf_open */
} cal_clock;

/* Both clocks at one moment. */
typedef struct cal_clock_pair {
  uint64_t ticks;
  uint64_t raw_ns;
  uint64_t window_ns; /* the two readings are this close together */
} cal_clock_pair;

/* "tsc", "cntvct", or "" where this architecture has no counter that we read. */
const char *cal_clock_counter(void);

/* What CAL_CLOCK_PERF counts, in user space only. */
typedef enum cal_perf_event {
  CAL_PERF_CYCLES,    /* of the processor: there where it has a PMU that is shown to us */
  CAL_PERF_TASK_CLOCK /* the kernel's own account of the thread's time, in nanoseconds */
} cal_perf_event;

/* Lets the calling thread count an event, instead of what it counted before.
 * 0, or the system's error number. */
int cal_clock_perf_open(cal_perf_event event);

/* Ticks now. At the end of a batch, *cpu is the core that the counter was read
 * on, as far as the reading itself says it, otherwise the present core. */
uint64_t cal_clock_begin(cal_clock clock);
uint64_t cal_clock_end(cal_clock clock, uint32_t *cpu);

/* The core that this thread runs on. */
uint32_t cal_clock_cpu(void);

/* Reads both clocks several times and keeps the closest pair. */
cal_clock_pair cal_clock_read_pair(cal_clock clock);

/* Spins for `ticks` and adds up the gaps longer than `gap` between consecutive
 * readings: time that went to something else, the hypervisor included, which
 * the kernel's own accounts do not always show. Out: *lost of *elapsed, in ticks. */
void cal_clock_spin(cal_clock clock, uint64_t ticks, uint64_t gap, uint64_t *lost,
                    uint64_t *elapsed);

#endif
