/* Paying for steps and builtins. */
#include "machine/plant.h"
#include "machine/run.h"

static cal_status spend(cal_run *run, cal_ex_units cost) {
  run->left.cpu = cal_sat_sub(run->left.cpu, cost.cpu);
  run->left.mem = cal_sat_sub(run->left.mem, cost.mem);
  if (CAL_LIKELY((run->left.cpu | run->left.mem) >= 0)) {
    return CAL_OK;
  }
  /* What has no limit stays at nothing left: what was spent saturates. */
  if (run->left.cpu < 0 && run->budget.cpu == CAL_NO_LIMIT) {
    run->left.cpu = 0;
  }
  if (run->left.mem < 0 && run->budget.mem == CAL_NO_LIMIT) {
    run->left.mem = 0;
  }
  if (run->left.cpu >= 0 && run->left.mem >= 0) {
    return CAL_OK;
  }
  return cal_fail(run->error, CAL_OVER_BUDGET, "the budget ran out: %s",
                  run->left.cpu < 0 ? "CPU" : "memory");
}

void cal_run_count_steps(cal_run *run) {
  for (int step = 0; step < CAL_STEPS; step++) {
    run->outcome->steps[step] += run->pending[step];
    run->pending[step] = 0;
  }
  run->unpaid = 0;
}

static const char *const step_names[CAL_STEPS] = {
    [CAL_STEP_CONST] = "cekConstCost",     [CAL_STEP_VAR] = "cekVarCost",
    [CAL_STEP_LAM] = "cekLamCost",         [CAL_STEP_APPLY] = "cekApplyCost",
    [CAL_STEP_DELAY] = "cekDelayCost",     [CAL_STEP_FORCE] = "cekForceCost",
    [CAL_STEP_BUILTIN] = "cekBuiltinCost", [CAL_STEP_CONSTR] = "cekConstrCost",
    [CAL_STEP_CASE] = "cekCaseCost"};

cal_status cal_run_pay_steps(cal_run *run) {
  const cal_ex_units *price = run->machine->costs.steps;
  cal_ex_units cost = {0, 0};
  for (int step = 0; step < CAL_STEPS; step++) {
    const int64_t count = run->pending[step];
    if (CAL_UNLIKELY(price[step].cpu < 0 && count != 0)) {
      return cal_fail(run->error, CAL_UNSUPPORTED, "the cost model has no entry for %s",
                      step_names[step]);
    }
    cost.cpu = cal_sat_add(cost.cpu, cal_sat_mul(count, price[step].cpu));
    cost.mem = cal_sat_add(cost.mem, cal_sat_mul(count, price[step].mem));
  }
  cal_run_count_steps(run);
  return spend(run, cost);
}

/* A size of argument `index` that is more than what is left pays for, the others
 * being 0: nothing larger is worth counting. Prices rise with sizes. */
CAL_COLD static int64_t beyond_means(const cal_run *run, const cal_builtin_cost *cost,
                                     unsigned index) {
  enum { MOST_BITS = 24 }; /* no budget of the chain buys a tenth of that many nodes */
  int64_t sizes[CAL_MAX_ARITY] = {0};
  int64_t size = 1;
  for (int bit = 0; bit < MOST_BITS && cal_costing_evaluate(&cost->cpu, sizes) <= run->left.cpu &&
                    cal_costing_evaluate(&cost->mem, sizes) <= run->left.mem;
       bit++) {
    size *= 2;
    sizes[index] = size;
  }
  return size;
}

static cal_status pay_builtin(cal_run *run, unsigned tag, const cal_value *arguments) {
  const cal_builtin_cost *cost = &run->machine->costs.builtins[tag];
  int64_t sizes[CAL_MAX_ARITY] = {0};
  bool endless = false; /* whether an argument is Data too large to be walked through */
  if (CAL_UNLIKELY(cost->cpu.shape == CAL_SHAPE_ABSENT || cost->mem.shape == CAL_SHAPE_ABSENT)) {
    return cal_fail(run->error, CAL_UNSUPPORTED, "the cost model has no entry for builtin %s",
                    cal_builtins[tag].name);
  }
  /* Another cost model may read sizes that this one does not. */
  const unsigned reads = CAL_UNLIKELY(run->usage != NULL) ? ~0U : cost->reads;
  for (unsigned i = 0; i < cal_builtins[tag].arity; i++) {
    if ((reads >> i & 1) != 0) {
      const cal_measure measure = (cal_measure)cal_builtins[tag].measures[i];
      sizes[i] = CAL_UNLIKELY(measure == CAL_MEASURE_NODES)
                     ? cal_nodes_of(&run->call, arguments[i], beyond_means(run, cost, i))
                     : cal_size_of(&run->call, arguments[i], measure);
      if (CAL_UNLIKELY(sizes[i] < 0)) {
        return cal_exhausted(&run->call);
      }
      endless =
          endless || (CAL_UNLIKELY(sizes[i] == INT64_MAX) && cal_kind_of(arguments[i]) == CAL_DATA);
    }
  }
  if (CAL_UNLIKELY(run->usage != NULL) && !cal_usage_note(run->usage, tag, sizes)) {
    return cal_fail(run->error, CAL_OUT_OF_MEMORY, "no memory to record calls in");
  }
  const cal_ex_units price = {cal_costing_evaluate(&cost->cpu, sizes),
                              cal_costing_evaluate(&cost->mem, sizes)};
  const cal_status status = spend(run, price);
  if (CAL_UNLIKELY(endless) && status == CAL_OK && price.cpu == INT64_MAX) {
    return cal_fail(run->error, CAL_OVER_BUDGET, "builtin %s: Data too large for any budget",
                    cal_builtins[tag].name);
  }
  return status;
}

cal_status cal_run_builtin(cal_run *run, unsigned tag, const cal_value *arguments,
                           cal_value *result) {
  const cal_builtin *builtin = &cal_builtins[tag];
  for (unsigned i = 0; i < builtin->arity; i++) {
    if (CAL_UNLIKELY(!cal_wanted(arguments[i], (cal_want)builtin->wants[i]))) {
      return cal_fail(run->error, CAL_FAILED, "builtin %s: argument %u is of the wrong type",
                      builtin->name, i + 1);
    }
  }
  if (builtin->bounded != 0 && run->machine->variant >= CAL_VARIANT_D &&
      CAL_UNLIKELY(!cal_within_bounds(builtin, arguments))) {
    return cal_fail(run->error, CAL_FAILED,
                    "builtin %s: an integer beyond %d bits, or a byte string beyond %d bytes",
                    builtin->name, CAL_BOUND_BITS, CAL_BOUND_BYTES);
  }
  const cal_status status = pay_builtin(run, tag, arguments);
  if (status != CAL_OK) {
    return status;
  }
  run->outcome->builtins[tag]++;
  cal_planted_delay(tag);
  return builtin->function(&run->call, arguments, result);
}
