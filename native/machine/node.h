/* A script as the machine runs it.
 *
 * Decoding flat produces this form in one pass. Three things are settled there
 * once, so that a run does not settle them at each step:
 *
 * Variables. A frame holds the variables that one activation of a lambda binds:
 * its parameter, and every variable bound by a redex `[(lam x body) arg]` in
 * the same body, which is how UPLC writes a let. A variable is then a number of
 * frames to go out and a slot in the one arrived at. Closures and delays hold
 * the frame itself: a slot never changes once it is written, because a body is a
 * tree and reaches each redex in it once, or, inside a delay that is forced
 * again, with the same outcome, as nothing that it depends on has changed. A
 * frame has at most CAL_FRAME_SLOTS slots, lest a body with thousands of redexes
 * make every call of it pay for all of them.
 *
 * Saturated calls. `[(force (builtin f)) a b]` with exactly the forces and
 * arguments that f takes is one node: no partial application is ever built.
 *
 * Immediate forces. `(force (delay t))` is one node that goes on with t.
 *
 * What a node costs in steps is unchanged by any of it: a fused node charges
 * every step that the terms it stands for would.
 */
#ifndef CAL_NODE_H
#define CAL_NODE_H

#include "machine/value.h"

typedef enum cal_op {
  CAL_OP_LOCAL,     /* slot */
  CAL_OP_OUTER,     /* slot; number = frames to go out, 1 or more */
  CAL_OP_CONSTANT,  /* parts[0].value */
  CAL_OP_LAMBDA,    /* number = slots of the frame; parts[0] = body */
  CAL_OP_APPLY,     /* parts[0] = function; parts[1] = argument */
  CAL_OP_LET,       /* slot; parts[0] = body; parts[1] = argument */
  CAL_OP_LET_FRAME, /* number = slots of the new frame; parts as CAL_OP_LET */
  CAL_OP_DELAY,     /* parts[0] = body */
  CAL_OP_FORCE,     /* parts[0] = term */
  CAL_OP_FORCE_DELAY, /* parts[0] = term */
  CAL_OP_BUILTIN,   /* number = tag */
  CAL_OP_CALL,      /* number = tag; slot = arity; parts = arguments */
  CAL_OP_CONSTR,    /* number = fields; parts[0].tag; parts[1..] = fields */
  CAL_OP_CASE,      /* number = branches; parts[0] = scrutinee; parts[1..] = branches */
  CAL_OP_ERROR
} cal_op;

typedef union cal_part {
  const cal_node *node;
  cal_value value;
  uint64_t tag;
} cal_part;

struct cal_node {
  uint16_t op; /* cal_op */
  uint16_t slot;
  uint32_t number;
  cal_part parts[];
};

struct cal_frame {
  cal_frame *outer;
  cal_value slots[];
};

enum { CAL_FRAME_SLOTS = 32 };

#endif
