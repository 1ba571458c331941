#define _GNU_SOURCE /* sched_getcpu, CLOCK_MONOTONIC_RAW */

#include "timing/clock.h"

#include <sched.h>
#include <time.h>

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

uint64_t cal_clock_begin(cal_clock clock) {
  return clock == CAL_CLOCK_COUNTER ? counter_begin() : raw_ns();
}

uint64_t cal_clock_end(cal_clock clock, uint32_t *cpu) {
  if (clock == CAL_CLOCK_COUNTER) {
    return counter_end(cpu);
  }
  const uint64_t ticks = raw_ns();
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
