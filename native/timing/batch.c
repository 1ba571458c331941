#include "timing/batch.h"

/* Its macros are instructions that do nothing outside valgrind. */
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define CAL_HAS_CALLGRIND 1
#else
#define CAL_HAS_CALLGRIND 0
#endif

static cal_status iterate(const cal_work *work, uint64_t iterations, cal_work_result *result,
                          cal_error *error) {
  cal_status status = CAL_OK;
  for (uint64_t i = 0; i < iterations && status == CAL_OK; i++) {
    status = cal_work_once(work, result, error);
  }
  return status;
}

static cal_status time_one(cal_clock clock, const cal_scheduling *scheduling,
                           const cal_batch_order *order, cal_batch *batch, cal_error *error) {
  cal_scheduling_reading before;
  cal_scheduling_reading after;
  cal_work_result result = order->work->expected;
  cal_status status = iterate(order->work, order->warm_up, &result, error);
  if (status == CAL_OK) {
    status = cal_scheduling_read(scheduling, &before, error);
  }
  if (status != CAL_OK) {
    return status;
  }
  batch->cpu_begin = cal_clock_cpu();
  const uint64_t begin = cal_clock_begin(clock);
  status = iterate(order->work, order->iterations, &result, error);
  const uint64_t end = cal_clock_end(clock, &batch->cpu_end);
  if (status == CAL_OK) {
    status = cal_scheduling_read(scheduling, &after, error);
  }
  if (status != CAL_OK) {
    return status;
  }
  batch->ticks = end - begin;
  batch->involuntary = after.involuntary - before.involuntary;
  batch->run_delay_ns = after.run_delay_ns - before.run_delay_ns;
  return cal_work_check(order->work, &result, error);
}

cal_status cal_batches_time(cal_clock clock, const cal_scheduling *scheduling,
                            const cal_batch_order *orders, size_t count, cal_batch *batches,
                            size_t *done, cal_error *error) {
  cal_status status = CAL_OK;
  for (*done = 0; *done < count; ++*done) {
    status = time_one(clock, scheduling, &orders[*done], &batches[*done], error);
    if (status != CAL_OK) {
      break;
    }
  }
  return status;
}

bool cal_counting_built(void) { return CAL_HAS_CALLGRIND; }

bool cal_counting_start(void) {
#if CAL_HAS_CALLGRIND
  if (RUNNING_ON_VALGRIND) {
    CALLGRIND_START_INSTRUMENTATION;
    return true;
  }
#endif
  return false;
}

cal_status cal_batch_count(const cal_work *work, uint64_t iterations, const char *label,
                           cal_error *error) {
  cal_work_result result = work->expected;
#if CAL_HAS_CALLGRIND
  CALLGRIND_ZERO_STATS;
#endif
  const cal_status status = iterate(work, iterations, &result, error);
#if CAL_HAS_CALLGRIND
  CALLGRIND_DUMP_STATS_AT(label);
#else
  (void)label;
#endif
  return status == CAL_OK ? cal_work_check(work, &result, error) : status;
}
