/* What a counting run sees beside the steps: counts that the time of a run is
 * predicted from, and that nothing is charged for. */
#ifndef CAL_FEATURES_H
#define CAL_FEATURES_H

#include "machine/machine.h"

enum { CAL_MAX_FORCES = 2 };

typedef struct cal_features {
  uint64_t footprint;      /* different nodes of the decoded script that were computed */
  uint64_t frames_walked;  /* frames passed on the way to variables further out */
  uint64_t frames_out;     /* frames that the variables lie out, by whatever way they are reached */
  uint64_t far_variables;  /* of them, those so far out that the way there is worked out first */
  uint64_t lets;           /* redexes that bind a variable, and build no function for it */
  uint64_t forced_delays;  /* that are forced where they stand */
  uint64_t constant_cases; /* cases on values of builtin types */
  uint64_t fields_applied; /* of constructors, by cases on them */
  uint64_t continuations_pushed;
  uint64_t bytes_allocated; /* in the machine's arena */
  uint64_t bytes_uncached;  /* of them, those that the nearest cache does not hold */
  uint64_t partial_calls;   /* builtins called by the last argument of a partial application */
  uint64_t calls[CAL_MAX_ARITY + 1][CAL_MAX_FORCES + 1]; /* saturated calls, by arity and forces */
  /* Simulated branch predictors miss, on average: */
  double mispredictions;        /* of jumps to one of many places */
  double mispredicted_operands; /* of ways to a variable or constant */
} cal_features;

/* As cal_machine_run, and counts. Out: *features too, valid whatever the status.
 * Runs the script several times, so that the predictor has seen it before, and
 * slowly: nothing is timed by it. The outcome is that of the last run. */
cal_status cal_machine_run_counting(cal_machine *machine, const cal_script *script,
                                    cal_ex_units budget, cal_outcome *outcome,
                                    cal_features *features, cal_error *error);

/* How many of the `count` targets that one branch has in turn, time and again, the
 * simulated predictors miss in one turn, on average. */
double cal_mispredictions(const uint8_t *targets, size_t count);

#endif
