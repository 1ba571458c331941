/* The CEK machine: runs a script and says what it cost.
 *
 * One machine holds a cost model, an arena and its stacks, and runs any number
 * of scripts one after another. It is not for use by two threads at once.
 */
#ifndef CAL_MACHINE_H
#define CAL_MACHINE_H

#include "machine/costs.h"
#include "machine/script.h"
#include "machine/units.h"
#include "machine/usage.h"

typedef struct cal_machine cal_machine;

/* What `trace` said, oldest first; the last ones are dropped and counted when
 * the log is full. */
typedef struct cal_log {
  cal_value lines[256]; /* CAL_TEXT, in the machine's arena */
  size_t count;
  size_t dropped;
} cal_log;

typedef struct cal_outcome {
  cal_status status;
  cal_value result; /* where status is CAL_OK; lives until the next run */
  cal_ex_units spent;
  uint64_t steps[CAL_STEPS];
  uint64_t builtins[CAL_BUILTIN_ROWS];
} cal_outcome;

/* NULL with a reason where the packed model is wrong or memory is short.
 * `memory_cap` limits what a run may hold, in bytes, stacks and what
 * builtins need while they compute included. */
cal_machine *cal_machine_new(const int64_t *packed, size_t length, cal_variant variant,
                             size_t memory_cap, cal_error *error);
void cal_machine_free(cal_machine *machine);

/* A budget of this much of CPU or memory never runs out. */
#define CAL_NO_LIMIT INT64_MAX

/* Runs a script within a budget, from an empty arena. Out: *outcome, of which
 * `spent` and the counts are valid whatever the status; a run over its budget
 * has spent more than the limit in one of the two. The script must outlive the
 * use of the result. Returns the outcome's status, and the reason in `error`. */
cal_status cal_machine_run(cal_machine *machine, const cal_script *script, cal_ex_units budget,
                           cal_outcome *outcome, cal_error *error);

/* As cal_machine_run, and records every call in `usage`, whose earlier rows are
 * forgotten. CAL_OUT_OF_MEMORY where it cannot hold them. */
cal_status cal_machine_run_usage(cal_machine *machine, const cal_script *script,
                                 cal_ex_units budget, cal_usage *usage, cal_outcome *outcome,
                                 cal_error *error);

/* Empties the arena: what a run held is released at once. */
void cal_machine_release(cal_machine *machine);

/* Bytes that the last run took, for whatever it made, from the arena. */
size_t cal_machine_used(const cal_machine *machine);

const cal_log *cal_machine_log(const cal_machine *machine);

/* Writes a result as a flat program of the given version, its variables by
 * de Bruijn index and every environment substituted. Out: *bytes, *length, in
 * the machine's arena. CAL_OUT_OF_MEMORY where it would be longer than `most`
 * bytes, or of more than an eighth as many parts, terms or elements: what is
 * shared in memory is written out each time, so it may be. */
cal_status cal_machine_write_result(cal_machine *machine, const cal_outcome *outcome,
                                    const uint64_t version[3], size_t most, const uint8_t **bytes,
                                    size_t *length, cal_error *error);

#endif
