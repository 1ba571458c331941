/* One run of the machine, and how it spends. Internal to native/machine. */
#ifndef CAL_RUN_H
#define CAL_RUN_H

#include "machine/machine.h"

struct cal_machine {
  cal_costs costs;
  cal_variant variant;
  cal_arena arena;
  cal_arena scratch;       /* of the builtin that is being called */
  cal_stack continuations; /* what to do with the value being computed */
  cal_stack values;        /* arguments and fields computed so far */
  cal_log log;
};

/* What a counting run keeps; see features.c. */
typedef struct cal_observer cal_observer;

typedef struct cal_run {
  cal_machine *machine;
  cal_outcome *outcome;
  cal_error *error;
  cal_ex_units budget;
  cal_ex_units left;
  uint32_t pending[CAL_STEPS]; /* steps taken and not yet paid for */
  uint32_t unpaid;             /* their number */
  cal_call call;
  cal_observer *observer; /* by cal_run_start_counting alone */
  cal_usage *usage; /* where calls are recorded; NULL where they are not */
} cal_run;

/* Steps are paid for in lots, as the ledger does (its "slippage"), because a
 * run that fails must fail where the ledger's does. */
enum { CAL_SLIPPAGE = 200 };

/* Evaluates a closed term. Out: outcome->result. */
cal_status cal_run_start(cal_run *run, cal_part root);

/* The same, and counts in run->observer. Slower. */
cal_status cal_run_start_counting(cal_run *run, cal_part root);

/* A run from an empty arena, and its end: the outcome is complete, and has this
 * status. */
cal_run cal_run_begin(cal_machine *machine, cal_ex_units budget, cal_outcome *outcome,
                      cal_error *error);
cal_status cal_run_end(cal_run *run, cal_status status);

/* Pays for the pending steps. CAL_OVER_BUDGET where they cost too much. */
cal_status cal_run_pay_steps(cal_run *run);

/* Moves pending steps into the outcome's counts without paying for them: what
 * a failed run did after its last payment. */
void cal_run_count_steps(cal_run *run);

/* Calls a saturated builtin: kinds checked, cost paid, result computed. */
cal_status cal_run_builtin(cal_run *run, unsigned tag, const cal_value *arguments,
                           cal_value *result);

#endif
