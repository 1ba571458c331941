/* The machine's transitions once more, with every node noted that is computed.
 *
 * How many different nodes a run computes says how much of a program its caches
 * and branch predictors have to know. Timed runs must not pay for counting
 * them, so this is a function of its own, made from the same source.
 */
#include "machine/run.h"

static void note(cal_noted *noted, const cal_node *node) {
  const size_t last = noted->places - 1;
  /* Nodes are eight bytes apart at least; the multiplier is that of Fibonacci hashing. */
  size_t place = (size_t)(((uintptr_t)node >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & last;
  while (noted->nodes[place] != NULL) {
    if (noted->nodes[place] == node) {
      return;
    }
    place = (place + 1) & last;
  }
  noted->nodes[place] = node;
  noted->count++;
}

#define CAL_RUN_START cal_run_start_noting
#define CAL_NOTE(node) note(&run->noted, node)
#include "machine/run.c"
