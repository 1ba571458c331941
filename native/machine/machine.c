#include "machine/machine.h"

#include <stdlib.h>
#include <string.h>

#include "machine/run.h"

cal_machine *cal_machine_new(const int64_t *packed, size_t length, cal_variant variant,
                             size_t memory_cap, cal_error *error) {
  cal_machine *machine = calloc(1, sizeof *machine);
  if (machine == NULL) {
    (void)cal_fail(error, CAL_OUT_OF_MEMORY, "no memory for a machine");
    return NULL;
  }
  if (cal_costs_unpack(packed, length, &machine->costs, error) != CAL_OK) {
    free(machine);
    return NULL;
  }
  machine->variant = variant;
  cal_arena_init(&machine->arena, memory_cap);
  cal_arena_init_within(&machine->scratch, &machine->arena);
  cal_stack_init(&machine->continuations, &machine->arena);
  cal_stack_init(&machine->values, &machine->arena);
  return machine;
}

void cal_machine_release(cal_machine *machine) {
  cal_arena_release(&machine->arena);
  cal_arena_release(&machine->scratch);
  cal_stack_release(&machine->continuations);
  cal_stack_release(&machine->values);
  machine->log.count = 0;
  machine->log.dropped = 0;
}

void cal_machine_free(cal_machine *machine) {
  if (machine != NULL) {
    cal_machine_release(machine);
    free(machine);
  }
}

size_t cal_machine_used(const cal_machine *machine) { return cal_arena_used(&machine->arena); }

const cal_log *cal_machine_log(const cal_machine *machine) { return &machine->log; }

cal_run cal_run_begin(cal_machine *machine, cal_ex_units budget, cal_outcome *outcome,
                      cal_error *error) {
  cal_arena_reset(&machine->arena);
  machine->continuations.used = 0;
  machine->values.used = 0;
  machine->log.count = 0;
  machine->log.dropped = 0;
  memset(outcome, 0, sizeof *outcome);
  return (cal_run){
      .machine = machine,
      .outcome = outcome,
      .error = error,
      .budget = budget,
      .left = budget,
      .call = {&machine->arena, &machine->scratch, error, &machine->log, machine->variant}};
}

cal_status cal_run_end(cal_run *run, cal_status status) {
  cal_outcome *outcome = run->outcome;
  outcome->status = status;
  for (int step = 0; run->usage != NULL && step < CAL_STEPS; step++) {
    run->usage->unpaid[step] = run->pending[step];
  }
  cal_run_count_steps(run);
  outcome->spent.cpu = cal_sat_sub(run->budget.cpu, run->left.cpu);
  outcome->spent.mem = cal_sat_sub(run->budget.mem, run->left.mem);
  return status;
}

cal_status cal_machine_run(cal_machine *machine, const cal_script *script, cal_ex_units budget,
                           cal_outcome *outcome, cal_error *error) {
  cal_run run = cal_run_begin(machine, budget, outcome, error);
  return cal_run_end(&run, cal_run_start(&run, script->root));
}

cal_status cal_machine_run_usage(cal_machine *machine, const cal_script *script,
                                 cal_ex_units budget, cal_usage *usage, cal_outcome *outcome,
                                 cal_error *error) {
  cal_run run = cal_run_begin(machine, budget, outcome, error);
  cal_usage_reset(usage);
  run.usage = usage;
  return cal_run_end(&run, cal_run_start(&run, script->root));
}
