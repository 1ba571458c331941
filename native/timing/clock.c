#define _GNU_SOURCE /* sched_getcpu, CLOCK_MONOTONIC_RAW, syscall */

#include "timing/clock.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum {
  PAIR_TRIES = 32,
  CPU_MASK = 0xfff /* Linux puts the core in the low 12 bits of TSC_AUX */
};

const char *cal_clock_counter(void) {
#if defined(__x86_64__)
  return "tsc";
#elif defined(__aarch64__)
  return "cntvct";
#else
  return "";
#endif
}

static uint64_t raw_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint32_t cal_clock_cpu(void) {
  const int cpu = sched_getcpu();
  return cpu < 0 ? UINT32_MAX : (uint32_t)cpu;
}

#if defined(__x86_64__)

static uint64_t counter_begin(void) {
  _mm_lfence();
  const uint64_t ticks = __rdtsc();
  _mm_lfence();
  return ticks;
}

static uint64_t counter_end(uint32_t *cpu) {
  unsigned int aux;
  const uint64_t ticks = __rdtscp(&aux);
  _mm_lfence();
  *cpu = aux & CPU_MASK;
  return ticks;
}

#elif defined(__aarch64__)

static uint64_t counter_begin(void) {
  uint64_t ticks;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks) : : "memory");
  return ticks;
}

static uint64_t counter_end(uint32_t *cpu) {
  const uint64_t ticks = counter_begin();
  *cpu = cal_clock_cpu();
  return ticks;
}

#else

static uint64_t counter_begin(void) { return raw_ns(); }

static uint64_t counter_end(uint32_t *cpu) {
  const uint64_t ticks = raw_ns();
  *cpu = cal_clock_cpu();
  return ticks;
}

#endif

/* The event that this thread counts, or -1. */
static _Thread_local int perf_event = -1;

int cal_clock_perf_open(cal_perf_event event) {
  struct perf_event_attr attributes = {
      .type = event == CAL_PERF_CYCLES ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE,
      .size = sizeof attributes,
      .config = event == CAL_PERF_CYCLES ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_SW_TASK_CLOCK,
      .exclude_kernel = event == CAL_PERF_CYCLES,
      .exclude_hv = 1};
  const long opened = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (opened < 0) {
    return errno;
  }
  if (perf_event >= 0) {
    (void)close(perf_event);
  }
  perf_event = (int)opened;
  return 0;
}

/* A failed reading repeats the last: the batch then takes no time, which no
 * session believes. */
static uint64_t perf_ticks(void) {
  static _Thread_local uint64_t count = 0;
  uint64_t now;
  if (read(perf_event, &now, sizeof now) == (ssize_t)sizeof now) {
    count = now;
  }
  return count;
}

static uint64_t other_ticks(cal_clock clock) {
  return clock == CAL_CLOCK_PERF ? perf_ticks() : raw_ns();
}

uint64_t cal_clock_begin(cal_clock clock) {
  return clock == CAL_CLOCK_COUNTER ? counter_begin() : other_ticks(clock);
}

uint64_t cal_clock_end(cal_clock clock, uint32_t *cpu) {
  if (clock == CAL_CLOCK_COUNTER) {
    return counter_end(cpu);
  }
  const uint64_t ticks = other_ticks(clock);
  *cpu = cal_clock_cpu();
  return ticks;
}

cal_clock_pair cal_clock_read_pair(cal_clock clock) {
  cal_clock_pair best = {0, 0, UINT64_MAX};
  for (int try = 0; try < PAIR_TRIES; try++) {
    const uint64_t before = raw_ns();
    const uint64_t ticks = cal_clock_begin(clock);
    const uint64_t after = raw_ns();
    if (after - before < best.window_ns) {
      best = (cal_clock_pair){ticks, before + (after - before) / 2, after - before};
    }
  }
  return best;
}

void cal_clock_spin(cal_clock clock, uint64_t ticks, uint64_t gap, uint64_t *lost,
                    uint64_t *elapsed) {
  const uint64_t start = cal_clock_begin(clock);
  uint64_t last = start;
  *lost = 0;
  while (last - start < ticks) {
    const uint64_t now = cal_clock_begin(clock);
    if (now - last > gap) {
      *lost += now - last;
    }
    last = now;
  }
  *elapsed = last - start;
}
