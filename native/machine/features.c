/* The machine's transitions once more, with what is not charged counted.
 *
 * Timed runs must not pay for counting, so this is a function of its own, made
 * from the same source.
 */
#include "machine/features.h"

#include <stdlib.h>
#include <string.h>

#include "machine/predictor.h"
#include "machine/run.h"

/* How often a run is taken: a timed program was run many times before. */
enum { PASSES = 8 };

enum { PREDICTORS = 5 };

/* Operands are foreseen from the last two and six targets: real predictors know
 * histories of branches, of which a target is several, and with longer ones they
 * foresee in simulation what takes a row of calls a third longer. */
enum { OPERAND_TABLES = 2 };

/* Bytes that a run writes and the next one finds in the nearest cache: half of the
 * 32 KiB that processors have, for the script lies in it too. */
enum { CACHED = 16 * 1024 };

/* The nodes that were computed are a hash table without removal, of a power of
 * two of places and more of them than the script has nodes. */
struct cal_observer {
  cal_predictor of_jumps[PREDICTORS];
  cal_predictor of_operands[PREDICTORS];
  cal_features seen;
  size_t places;
  const cal_node *nodes[];
};

static void see(cal_observer *observer, cal_site site, unsigned target) {
  for (int i = 0; i < PREDICTORS; i++) {
    if (site != CAL_SITE_OPERAND) {
      cal_predictor_see(&observer->of_jumps[i], site, target);
    }
    cal_predictor_see(&observer->of_operands[i], site, target);
  }
}

static void see_node(cal_observer *observer, const cal_node *node) {
  const size_t last = observer->places - 1;
  /* Nodes are eight bytes apart at least; the multiplier is that of Fibonacci hashing. */
  size_t place = (size_t)(((uintptr_t)node >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & last;
  see(observer, CAL_SITE_COMPUTE, node->op);
  while (observer->nodes[place] != NULL) {
    if (observer->nodes[place] == node) {
      return;
    }
    place = (place + 1) & last;
  }
  observer->nodes[place] = node;
  observer->seen.footprint++;
}

static cal_observer *new_observer(const cal_script *script) {
  size_t places = 2;
  while (places / 2 <= script->nodes) { /* a script has no more nodes than terms */
    places *= 2;
  }
  cal_observer *observer = calloc(1, sizeof *observer + places * sizeof observer->nodes[0]);
  if (observer != NULL) {
    observer->places = places;
    for (unsigned i = 0; i < PREDICTORS; i++) {
      cal_predictor_begin(&observer->of_jumps[i], i, CAL_PREDICTOR_TABLES);
      cal_predictor_begin(&observer->of_operands[i], i, OPERAND_TABLES);
    }
  }
  return observer;
}

/* A node that was computed in one pass is in the footprint of all. */
static void begin_pass(cal_observer *observer) {
  observer->seen = (cal_features){.footprint = observer->seen.footprint};
  for (int i = 0; i < PREDICTORS; i++) {
    memset(observer->of_jumps[i].misses, 0, sizeof observer->of_jumps[i].misses);
    memset(observer->of_operands[i].misses, 0, sizeof observer->of_operands[i].misses);
  }
}

/* What the run saw that is not counted where it happens. */
static void finish(cal_observer *observer, const cal_machine *machine) {
  const size_t allocated = cal_arena_used(&machine->arena);
  observer->seen.bytes_allocated = allocated;
  observer->seen.bytes_uncached = allocated > CACHED ? allocated - CACHED : 0;
  for (int i = 0; i < PREDICTORS; i++) {
    const uint64_t *jumps = observer->of_jumps[i].misses;
    const uint64_t missed =
        jumps[CAL_SITE_COMPUTE] + jumps[CAL_SITE_GIVE] + jumps[CAL_SITE_BUILTIN];
    const uint64_t operands = observer->of_operands[i].misses[CAL_SITE_OPERAND];
    observer->seen.mispredictions += (double)missed / PREDICTORS;
    observer->seen.mispredicted_operands += (double)operands / PREDICTORS;
  }
}

#define CAL_RUN_START cal_run_start_counting
#define CAL_SEE(site, target) see(run->observer, (site), (unsigned)(target))
#define CAL_SEE_NODE(node) see_node(run->observer, (node))
#define CAL_ADD(feature, amount) (void)(run->observer->seen.feature += (amount))
#include "machine/run.c"

cal_status cal_machine_run_counting(cal_machine *machine, const cal_script *script,
                                    cal_ex_units budget, cal_outcome *outcome,
                                    cal_features *features, cal_error *error) {
  cal_observer *observer = new_observer(script);
  memset(features, 0, sizeof *features);
  if (observer == NULL) {
    memset(outcome, 0, sizeof *outcome);
    outcome->status = cal_fail(error, CAL_OUT_OF_MEMORY, "no memory to count in");
    return outcome->status;
  }
  cal_status status = CAL_OK;
  for (int pass = 0; pass < PASSES && status == CAL_OK; pass++) {
    begin_pass(observer);
    cal_run run = cal_run_begin(machine, budget, outcome, error);
    run.observer = observer;
    status = cal_run_end(&run, cal_run_start_counting(&run, script->root));
  }
  finish(observer, machine);
  *features = observer->seen;
  free(observer);
  return status;
}

double cal_mispredictions(const uint8_t *targets, size_t count) {
  uint64_t missed = 0;
  for (unsigned salt = 0; salt < PREDICTORS; salt++) {
    cal_predictor predictor;
    cal_predictor_begin(&predictor, salt, CAL_PREDICTOR_TABLES);
    for (int pass = 0; pass < PASSES; pass++) {
      predictor.misses[CAL_SITE_COMPUTE] = 0;
      for (size_t i = 0; i < count; i++) {
        cal_predictor_see(&predictor, CAL_SITE_COMPUTE, targets[i]);
      }
    }
    missed += predictor.misses[CAL_SITE_COMPUTE];
  }
  return (double)missed / PREDICTORS;
}
