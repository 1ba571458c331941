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
 * make every call of it pay for all of them. No nesting makes a variable's one
 * step a long walk: see machine/frame.h.
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
  CAL_OP_LAMBDA,      /* number = slots of the frame; slot = its reach; parts[0] = body */
  CAL_OP_APPLY,       /* parts[0] = function; parts[1] = argument */
  CAL_OP_LET,         /* slot; parts[0] = body; parts[1] = argument */
  CAL_OP_LET_FRAME,   /* number and slot of the new frame as above; parts as CAL_OP_LET */
  CAL_OP_DELAY,       /* parts[0] = body */
  CAL_OP_FORCE,       /* parts[0] = term */
  CAL_OP_FORCE_DELAY, /* parts[0] = term */
  CAL_OP_BUILTIN,     /* number = tag */
  CAL_OP_CALL,        /* number = tag; slot = arity; parts = arguments */
  CAL_OP_CONSTR,      /* number = fields; parts[0] = constructor tag; parts[1..] = fields */
  CAL_OP_CASE,        /* number = branches; parts[0] = scrutinee; parts[1..] = branches */
  CAL_OP_ERROR
} cal_op;

/* A term where it stands in another: an atom, which is a variable or a constant
 * and lies in the word itself, or the address of a node. The two lowest bits
 * tell: 01 a variable of the frame itself and 11 one of a frame further out, the
 * slot in the eight bits above them, the frame's depth in the next 27, and the
 * frames to go out in the highest 27; 10 the address of a constant's
 * value; 00 a node. */
typedef uintptr_t cal_part;

/* Depths that a part has room for; a program that nests deeper is refused. */
enum { CAL_DEPTH_BITS = 27 };

enum { CAL_PART_LOCAL = 1, CAL_PART_CONSTANT = 2, CAL_PART_OUTER = 3, CAL_PART_ATOM = 3 };

static inline bool cal_is_atom(cal_part part) { return (part & CAL_PART_ATOM) != 0; }

static inline bool cal_is_variable(cal_part part) { return (part & CAL_PART_LOCAL) != 0; }

/* A variable `frames` out of a frame at depth `level`. */
static inline cal_part cal_part_variable(uint64_t level, uint64_t frames, uint64_t slot) {
  if (frames == 0) {
    return (cal_part)(slot << 2 | CAL_PART_LOCAL);
  }
  return (cal_part)(frames << (10 + CAL_DEPTH_BITS) | level << 10 | slot << 2 | CAL_PART_OUTER);
}

static inline uint64_t cal_part_frames(cal_part part) { return part >> (10 + CAL_DEPTH_BITS); }

static inline uint64_t cal_part_level(cal_part part) {
  return part >> 10 & ((UINT64_C(1) << CAL_DEPTH_BITS) - 1);
}

static inline uint64_t cal_part_slot(cal_part part) { return part >> 2 & 0xff; }

static inline cal_part cal_part_constant(const cal_value *value) {
  return (cal_part)value | CAL_PART_CONSTANT;
}

static inline cal_value cal_part_value(cal_part part) {
  return *(const cal_value *)(part - CAL_PART_CONSTANT);
}

static inline const cal_node *cal_part_node(cal_part part) { return (const cal_node *)part; }

struct cal_node {
  uint16_t op; /* cal_op */
  uint16_t slot;
  uint32_t number;
  cal_part parts[];
};

#endif
