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

/* The nodes computed so far: a hash table without removal, of a power of two of
 * places. */
typedef struct cal_noted {
  const cal_node **nodes;
  size_t places;
  size_t count;
} cal_noted;

typedef struct cal_run {
  cal_machine *machine;
  cal_outcome *outcome;
  cal_error *error;
  cal_ex_units budget;
  cal_ex_units left;
  uint32_t pending[CAL_STEPS]; /* steps taken and not yet paid for */
  uint32_t unpaid;             /* their number */
  cal_call call;
  cal_noted noted;  /* by cal_run_start_noting alone */
  cal_usage *usage; /* where calls are recorded; NULL where they are not */
} cal_run;

/* Steps are paid for in lots, as the ledger does (its "slippage"), because a
 * run that fails must fail where the ledger's does. */
enum { CAL_SLIPPAGE = 200 };

/* Evaluates a closed term. Out: outcome->result. */
cal_status cal_run_start(cal_run *run, cal_part root);

/* The same, and notes in run->noted, which has more places than the script has
 * nodes, every node that is computed. Slower. */
cal_status cal_run_start_noting(cal_run *run, cal_part root);

/* Pays for the pending steps. CAL_OVER_BUDGET where they cost too much. */
cal_status cal_run_pay_steps(cal_run *run);

/* Moves pending steps into the outcome's counts without paying for them: what
 * a failed run did after its last payment. */
void cal_run_count_steps(cal_run *run);

/* Calls a saturated builtin: kinds checked, cost paid, result computed. */
cal_status cal_run_builtin(cal_run *run, unsigned tag, const cal_value *arguments,
                           cal_value *result);

#endif
