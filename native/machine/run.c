/* The transition rules of the CEK machine, in two halves: a term is computed
 * until it is a value, a value is returned to the continuation on top.
 *
 * There is no recursion: continuations live on a stack of their own, bounded
 * by the machine's memory cap. Every term computed counts a step; the steps of
 * fused nodes are counted one by one, in the order in which the terms they
 * stand for would be computed.
 */
#include "machine/run.h"

#include <string.h>

#include "machine/case.h"
#include "machine/frame.h"

/* The transitions are compiled twice: as they are, and in features.c, where what
 * these macros are told is counted. */
#ifndef CAL_RUN_START
#define CAL_RUN_START cal_run_start
#define CAL_SEE(site, target) (void)0
#define CAL_SEE_NODE(node) (void)0
#define CAL_ADD(feature, amount) (void)0
#endif

typedef enum after {
  AFTER_FUNCTION, /* the value is a function; its argument is to be computed */
  AFTER_ARGUMENT, /* the value is an argument; its function waits */
  AFTER_LET,      /* the value is what a let binds */
  AFTER_FORCE,    /* the value is to be forced */
  AFTER_CALL,     /* the value is argument `index` of a saturated call */
  AFTER_CONSTR,   /* the value is field `index` of a constructor */
  AFTER_CASE,     /* the value is scrutinised */
  AFTER_BRANCH    /* the value is a function, to be applied to `index` fields in turn */
} after;

typedef struct continuation {
  uint32_t after;
  uint32_t index;
  union {
    const cal_node *node;
    cal_part part;
    cal_value function;
    const cal_value *fields;
  };
  cal_frame *frame;
} continuation;

static cal_status exhausted(const cal_run *run) {
  return cal_fail(run->error, CAL_OUT_OF_MEMORY, "the run needs more memory than allowed");
}

/* The frame that a lambda or let opens, its first variable bound. */
static inline cal_frame *new_frame(cal_run *run, cal_frame *outer, const cal_node *node,
                                   cal_value first) {
  cal_frame *frame =
      cal_alloc(&run->machine->arena, sizeof *frame + node->number * sizeof(cal_value));
  if (CAL_LIKELY(frame != NULL)) {
    frame->outer = outer;
    frame->slots[0] = first;
    if (CAL_UNLIKELY(node->slot != 0)) {
      cal_set_reached(frame, node->slot);
    }
  }
  return frame;
}

static cal_value make_code(cal_run *run, cal_kind kind, const cal_node *node, cal_frame *frame) {
  cal_code *code = cal_alloc(&run->machine->arena, sizeof *code);
  if (CAL_UNLIKELY(code == NULL)) {
    return 0;
  }
  *code = (cal_code){{.kind = (uint8_t)kind}, node, frame};
  return cal_from_object(code);
}

static cal_value make_partial(cal_run *run, unsigned tag, unsigned forces,
                              const cal_value *arguments, unsigned count, cal_value last) {
  const size_t total = count + (last != 0 ? 1U : 0U);
  cal_partial *partial =
      cal_alloc(&run->machine->arena, sizeof *partial + total * sizeof(cal_value));
  if (partial == NULL) {
    return 0;
  }
  partial->head = (cal_object){
      .kind = CAL_PARTIAL, .form = (uint8_t)forces, .count = (uint16_t)total, .size = tag};
  for (unsigned i = 0; i < count; i++) {
    partial->arguments[i] = arguments[i];
  }
  if (last != 0) {
    partial->arguments[count] = last;
  }
  return cal_from_object(partial);
}

/* Forces a builtin. Out: *result. */
static cal_status force_partial(cal_run *run, cal_value value, cal_value *result) {
  const cal_partial *partial = CAL_AS(cal_partial, value);
  const cal_builtin *builtin = &cal_builtins[partial->head.size];
  if (partial->head.form >= builtin->forces || partial->head.count != 0) {
    return cal_fail(run->error, CAL_FAILED, "builtin %s is forced where it takes an argument",
                    builtin->name);
  }
  *result = make_partial(run, partial->head.size, partial->head.form + 1U, NULL, 0, 0);
  return *result == 0 ? exhausted(run) : CAL_OK;
}

/* Gives a builtin one more argument, and calls it when it has all. */
static cal_status apply_partial(cal_run *run, cal_value function, cal_value argument,
                                cal_value *result) {
  const cal_partial *partial = CAL_AS(cal_partial, function);
  const cal_builtin *builtin = &cal_builtins[partial->head.size];
  if (partial->head.form < builtin->forces) {
    return cal_fail(run->error, CAL_FAILED, "builtin %s is applied where it is to be forced",
                    builtin->name);
  }
  const unsigned count = partial->head.count;
  if (count + 1U < builtin->arity) {
    *result = make_partial(run, partial->head.size, partial->head.form, partial->arguments, count,
                           argument);
    return *result == 0 ? exhausted(run) : CAL_OK;
  }
  cal_value arguments[CAL_MAX_ARITY];
  memcpy(arguments, partial->arguments, count * sizeof(cal_value));
  arguments[count] = argument;
  CAL_ADD(partial_calls, 1);
  CAL_SEE(CAL_SITE_BUILTIN, partial->head.size);
  return cal_run_builtin(run, partial->head.size, arguments, result);
}

static cal_status make_constr(cal_run *run, const cal_node *node, cal_value *result) {
  const size_t bytes = node->number * sizeof(cal_value);
  cal_constr *constr = cal_alloc(&run->machine->arena, sizeof *constr + bytes);
  if (constr == NULL) {
    return exhausted(run);
  }
  constr->head = (cal_object){.kind = CAL_CONSTR, .size = node->number};
  constr->tag = node->parts[0];
  if (bytes != 0) {
    memcpy(constr->fields, cal_stack_pop(&run->machine->values, bytes), bytes);
  }
  *result = cal_from_object(constr);
  return CAL_OK;
}

/* Counts a step, and pays when a lot is full. */
#define COUNT(step)                                    \
  do {                                                 \
    run->pending[step]++;                              \
    if (CAL_UNLIKELY(++run->unpaid == CAL_SLIPPAGE)) { \
      status = cal_run_pay_steps(run);                 \
      if (status != CAL_OK) {                          \
        return status;                                 \
      }                                                \
    }                                                  \
  } while (0)

#define PUSH(...)                                                             \
  do {                                                                        \
    continuation *top_ = cal_stack_push(continuations, sizeof(continuation)); \
    if (CAL_UNLIKELY(top_ == NULL)) {                                         \
      return exhausted(run);                                                  \
    }                                                                         \
    *top_ = (continuation){__VA_ARGS__};                                      \
    CAL_ADD(continuations_pushed, 1);                                         \
  } while (0)

#define KEEP_VALUE(value)                                                    \
  do {                                                                       \
    cal_value *kept_ = cal_stack_push(&run->machine->values, sizeof *kept_); \
    if (CAL_UNLIKELY(kept_ == NULL)) {                                       \
      return exhausted(run);                                                 \
    }                                                                        \
    *kept_ = (value);                                                        \
  } while (0)

/* Variables and constants are values at once. Where one stands as an operand it
 * is taken on the spot, without a continuation. */
enum { NEAR = 8 }; /* up to here, frame by frame is no slower */

static inline bool is_far(cal_part part) { return cal_part_frames(part) >= NEAR; }

static inline cal_value outer_variable(cal_part part, cal_frame *frame) {
  uint64_t frames = cal_part_frames(part);
  if (CAL_UNLIKELY(is_far(part))) {
    return cal_frames_out(frame, cal_part_level(part), frames)->slots[cal_part_slot(part)];
  }
  do {
    frame = frame->outer;
  } while (--frames != 0);
  return frame->slots[cal_part_slot(part)];
}

/* The moves that it takes; only features.c asks. */
static inline uint64_t moves_out(cal_part part) {
  const uint64_t frames = cal_part_frames(part);
  return is_far(part) ? cal_moves_out(cal_part_level(part), frames) : frames;
}

/* Where an operand is, as far as the way to it differs; only features.c asks. */
static inline unsigned place_of(cal_part atom) {
  if ((atom & CAL_PART_ATOM) != CAL_PART_OUTER) {
    return (atom & CAL_PART_ATOM) == CAL_PART_LOCAL;
  }
  return is_far(atom) ? NEAR + 2 : 2 + (unsigned)cal_part_frames(atom);
}

#define TAKE_ATOM(into, atom, frame)                         \
  do {                                                       \
    CAL_SEE(CAL_SITE_OPERAND, place_of(atom));               \
    if (((atom) & CAL_PART_ATOM) == CAL_PART_LOCAL) {        \
      COUNT(CAL_STEP_VAR);                                   \
      (into) = (frame)->slots[(atom) >> 2];                  \
    } else if (((atom) & CAL_PART_ATOM) == CAL_PART_OUTER) { \
      COUNT(CAL_STEP_VAR);                                   \
      CAL_ADD(frames_walked, moves_out(atom));               \
      CAL_ADD(frames_out, cal_part_frames(atom));            \
      CAL_ADD(far_variables, is_far(atom));                  \
      (into) = outer_variable((atom), (frame));              \
    } else {                                                 \
      COUNT(CAL_STEP_CONST);                                 \
      (into) = cal_part_value(atom);                         \
    }                                                        \
  } while (0)

cal_status CAL_RUN_START(cal_run *run, cal_part root) {
  cal_stack *continuations = &run->machine->continuations;
  cal_status status = CAL_OK;
  const cal_node *node = NULL;
  cal_part part = root;
  cal_frame *frame = NULL;
  cal_value function = 0;
  cal_value value = 0;
  uint32_t index = 0;

  run->left.cpu = cal_sat_sub(run->left.cpu, run->machine->costs.startup.cpu);
  run->left.mem = cal_sat_sub(run->left.mem, run->machine->costs.startup.mem);
  if (run->left.cpu < 0 || run->left.mem < 0) {
    return cal_fail(run->error, CAL_OVER_BUDGET, "the budget does not pay for the start");
  }

compute: /* `part` in `frame` */
  if (cal_is_atom(part)) {
    TAKE_ATOM(value, part, frame);
    goto give;
  }
compute_node:
  node = cal_part_node(part);
  CAL_SEE_NODE(node);
  switch ((cal_op)node->op) {
  case CAL_OP_LAMBDA:
    COUNT(CAL_STEP_LAM);
    value = make_code(run, CAL_CLOSURE, node, frame);
    goto give_new;
  case CAL_OP_DELAY:
    COUNT(CAL_STEP_DELAY);
    value = make_code(run, CAL_SUSPENDED, node, frame);
    goto give_new;
  case CAL_OP_APPLY:
    COUNT(CAL_STEP_APPLY);
    part = node->parts[0];
    if (cal_is_atom(part)) {
      TAKE_ATOM(function, part, frame);
      part = node->parts[1];
      goto argument;
    }
    PUSH(AFTER_FUNCTION, 0, {.part = node->parts[1]}, frame);
    goto compute_node;
  case CAL_OP_LET:
  case CAL_OP_LET_FRAME:
    COUNT(CAL_STEP_APPLY);
    COUNT(CAL_STEP_LAM);
    CAL_ADD(lets, 1);
    part = node->parts[1];
    if (cal_is_atom(part)) {
      TAKE_ATOM(value, part, frame);
      goto bind;
    }
    PUSH(AFTER_LET, 0, {.node = node}, frame);
    goto compute_node;
  case CAL_OP_FORCE:
    COUNT(CAL_STEP_FORCE);
    part = node->parts[0];
    if (cal_is_atom(part)) {
      TAKE_ATOM(value, part, frame);
      goto force;
    }
    PUSH(AFTER_FORCE, 0, {.node = node}, frame);
    goto compute_node;
  case CAL_OP_FORCE_DELAY:
    COUNT(CAL_STEP_FORCE);
    COUNT(CAL_STEP_DELAY);
    CAL_ADD(forced_delays, 1);
    part = node->parts[0];
    goto compute;
  case CAL_OP_BUILTIN:
    COUNT(CAL_STEP_BUILTIN);
    value = make_partial(run, node->number, 0, NULL, 0, 0);
    goto give_new;
  case CAL_OP_CALL:
    for (unsigned i = 0; i < node->slot; i++) {
      COUNT(CAL_STEP_APPLY);
    }
    for (unsigned i = 0; i < cal_builtins[node->number].forces; i++) {
      COUNT(CAL_STEP_FORCE);
    }
    COUNT(CAL_STEP_BUILTIN);
    CAL_ADD(calls[node->slot][cal_builtins[node->number].forces], 1);
    index = 0;
    goto call;
  case CAL_OP_CONSTR:
    COUNT(CAL_STEP_CONSTR);
    index = 0;
    goto construct;
  case CAL_OP_CASE:
    COUNT(CAL_STEP_CASE);
    part = node->parts[0];
    if (cal_is_atom(part)) {
      TAKE_ATOM(value, part, frame);
      goto scrutinise;
    }
    PUSH(AFTER_CASE, 0, {.node = node}, frame);
    goto compute_node;
  case CAL_OP_ERROR:
    return cal_fail(run->error, CAL_FAILED, "the program evaluated to error");
  }

argument: /* `part` in `frame` is the argument of `function` */
  if (cal_is_atom(part)) {
    TAKE_ATOM(value, part, frame);
    goto apply;
  }
  PUSH(AFTER_ARGUMENT, 0, {.function = function}, frame);
  goto compute_node;

apply: { /* `function` to `value` */
  const cal_kind kind = cal_kind_of(function);
  if (CAL_LIKELY(kind == CAL_CLOSURE)) {
    const cal_code *code = CAL_AS(cal_code, function);
    frame = new_frame(run, code->frame, code->node, value);
    if (CAL_UNLIKELY(frame == NULL)) {
      return exhausted(run);
    }
    part = code->node->parts[0];
    goto compute;
  }
  if (kind != CAL_PARTIAL) {
    return cal_fail(run->error, CAL_FAILED, "something that is no function is applied");
  }
  status = apply_partial(run, function, value, &value);
  goto give_checked;
}

force: { /* `value` */
  const cal_kind kind = cal_kind_of(value);
  if (CAL_LIKELY(kind == CAL_SUSPENDED)) {
    const cal_code *code = CAL_AS(cal_code, value);
    frame = code->frame;
    part = code->node->parts[0];
    goto compute;
  }
  if (kind != CAL_PARTIAL) {
    return cal_fail(run->error, CAL_FAILED, "something that is not delayed is forced");
  }
  status = force_partial(run, value, &value);
  goto give_checked;
}

bind: /* `value` by the let `node` in `frame` */
  if (node->op == CAL_OP_LET) {
    frame->slots[node->slot] = value;
  } else {
    frame = new_frame(run, frame, node, value);
    if (CAL_UNLIKELY(frame == NULL)) {
      return exhausted(run);
    }
  }
  part = node->parts[0];
  goto compute;

call: /* the builtin of `node`, whose arguments before `index` are on the stack of values */
  for (; index < node->slot; index++) {
    part = node->parts[index];
    if (!cal_is_atom(part)) {
      PUSH(AFTER_CALL, index, {.node = node}, frame);
      goto compute_node;
    }
    TAKE_ATOM(value, part, frame);
    KEEP_VALUE(value);
  }
  CAL_SEE(CAL_SITE_BUILTIN, node->number);
  status =
      cal_run_builtin(run, node->number,
                      cal_stack_pop(&run->machine->values, node->slot * sizeof(cal_value)), &value);
  goto give_checked;

construct: /* the constructor of `node`, likewise */
  for (; index < node->number; index++) {
    part = node->parts[1 + index];
    if (!cal_is_atom(part)) {
      PUSH(AFTER_CONSTR, index, {.node = node}, frame);
      goto compute_node;
    }
    TAKE_ATOM(value, part, frame);
    KEEP_VALUE(value);
  }
  status = make_constr(run, node, &value);
  goto give_checked;

scrutinise: { /* `value` by the case `node` in `frame` */
  cal_fields fields = {NULL, 0};
  uint32_t branch = 0;
  CAL_ADD(constant_cases, cal_kind_of(value) != CAL_CONSTR);
  status = cal_case_select(run, node, value, &branch, &fields);
  if (CAL_UNLIKELY(status != CAL_OK)) {
    return status;
  }
  if (fields.count != 0) {
    PUSH(AFTER_BRANCH, fields.count, {.fields = fields.values}, NULL);
  }
  part = node->parts[1 + branch];
  goto compute;
}

give_checked:
  if (CAL_UNLIKELY(status != CAL_OK)) {
    return status;
  }
give_new:
  if (CAL_UNLIKELY(value == 0)) {
    return exhausted(run);
  }
give: { /* `value` to the continuation on top */
  const continuation *top = cal_stack_pop(continuations, sizeof *top);
  if (CAL_UNLIKELY(top == NULL)) {
    run->outcome->result = value;
    return cal_run_pay_steps(run);
  }
  frame = top->frame;
  node = top->node;
  CAL_SEE(CAL_SITE_GIVE, top->after);
  switch ((after)top->after) {
  case AFTER_FUNCTION:
    part = top->part;
    function = value;
    goto argument;
  case AFTER_ARGUMENT:
    function = top->function;
    goto apply;
  case AFTER_LET:
    goto bind;
  case AFTER_FORCE:
    goto force;
  case AFTER_CALL:
    index = top->index + 1;
    KEEP_VALUE(value);
    goto call;
  case AFTER_CONSTR:
    index = top->index + 1;
    KEEP_VALUE(value);
    goto construct;
  case AFTER_CASE:
    goto scrutinise;
  case AFTER_BRANCH: {
    /* One field is applied now; the others wait below the application. */
    const cal_value *fields = top->fields;
    CAL_ADD(fields_applied, 1);
    function = value;
    value = fields[0];
    if (top->index > 1) {
      const uint32_t others = top->index - 1;
      PUSH(AFTER_BRANCH, others, {.fields = fields + 1}, NULL);
    }
    goto apply;
  }
  }
}
  return cal_fail(run->error, CAL_FAILED, "the machine met a node that it does not know");
}
