#include "timing/work.h"

#include <inttypes.h>

enum {
  HASH_WORDS = 512, /* 4 KiB, at home in any first-level cache */
  HASH_ROUNDS = 24  /* about 20 µs on a machine of 2.6 GHz */
};

static cal_status run(const cal_work *work, const cal_script *script, cal_work_result *result,
                      cal_error *error) {
  cal_outcome outcome;
  const cal_status status = cal_machine_run(work->machine, script, work->budget, &outcome, error);
  result->spent = outcome.spent;
  return status;
}

static cal_status prepare(const cal_work *work, cal_script **script, cal_work_result *result,
                          cal_error *error) {
  cal_status status =
      cal_script_decode(work->flat, work->flat_length, work->options, script, error);
  for (size_t i = 0; status == CAL_OK && i < work->argument_count; i++) {
    status = cal_script_apply_data(*script, work->arguments[i], work->argument_lengths[i], error);
  }
  if (status == CAL_OK) {
    result->nodes = (*script)->nodes;
  }
  return status;
}

/* Any run may be larger than this one, which makes none. */
static cal_status set_up(const cal_work *work, cal_error *error) {
  cal_machine *machine =
      cal_machine_new(work->packed, work->packed_length, work->variant, SIZE_MAX, error);
  cal_machine_free(machine);
  return machine == NULL ? CAL_FAILED : CAL_OK;
}

/* Each word depends on the one before through a wide multiplication, so the
 * loop takes the time of its arithmetic and no compiler can shorten it. */
static uint64_t hash(void) {
  uint64_t words[HASH_WORDS];
  uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
  for (size_t i = 0; i < HASH_WORDS; i++) {
    words[i] = i;
  }
  for (int round = 0; round < HASH_ROUNDS; round++) {
    for (size_t i = 0; i < HASH_WORDS; i++) {
      state = (state ^ words[i]) * UINT64_C(0xbf58476d1ce4e5b9);
      state ^= state >> 31;
      words[i] += state;
    }
  }
  return state;
}

cal_status cal_work_once(const cal_work *work, cal_work_result *result, cal_error *error) {
  *result = (cal_work_result){0};
  cal_script *script = NULL;
  cal_status status = CAL_OK;
  switch (work->kind) {
  case CAL_WORK_EVALUATE:
    return run(work, work->script, result, error);
  case CAL_WORK_START:
    status = run(work, work->script, result, error);
    cal_machine_release(work->machine);
    return status;
  case CAL_WORK_PREPARE:
    status = prepare(work, &script, result, error);
    cal_script_free(script);
    return status;
  case CAL_WORK_CALL:
    status = prepare(work, &script, result, error);
    if (status == CAL_OK) {
      status = run(work, script, result, error);
      cal_machine_release(work->machine);
    }
    cal_script_free(script);
    return status;
  case CAL_WORK_SETUP:
    return set_up(work, error);
  case CAL_WORK_HASH:
    result->hash = hash();
    return CAL_OK;
  }
  return cal_fail(error, CAL_FAILED, "no such kind of work: %d", (int)work->kind);
}

cal_status cal_work_check(const cal_work *work, const cal_work_result *result, cal_error *error) {
  const cal_work_result *expected = &work->expected;
  if (result->spent.cpu == expected->spent.cpu && result->spent.mem == expected->spent.mem &&
      result->nodes == expected->nodes && result->hash == expected->hash) {
    return CAL_OK;
  }
  return cal_fail(error, CAL_FAILED,
                  "a timed run came to %" PRId64 " ps and %" PRId64 " words instead of %" PRId64
                  " ps and %" PRId64 " words",
                  result->spent.cpu, result->spent.mem, expected->spent.cpu, expected->spent.mem);
}
