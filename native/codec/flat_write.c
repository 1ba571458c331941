/* A result written as a flat program: environments substituted, variables by
 * de Bruijn index. The inverse of what flat_read.c does to a term. */
#include <string.h>

#include "builtins/groups.h"
#include "builtins/table.h"
#include "codec/assets.h"
#include "codec/cbor.h"
#include "codec/flat_tags.h"
#include "codec/writer.h"
#include "machine/frame.h"
#include "machine/run.h"

/* What a variable refers to while a term is written: either a frame of the run,
 * whose values are substituted, or one that the written term itself would open,
 * of which the depths are known at which its variables are bound. A frame of the
 * run knows depths too: of the lets in a delay, which bind in the frame around
 * it but only once it is forced.
 *
 * `jump` leads further out, by lengths that let any scope be reached in a
 * logarithmic number of moves (E. W. Myers, An applicative random-access stack,
 * Information Processing Letters 17, 1983). */
typedef struct scope {
  const struct scope *outer; /* NULL: `frame` is the frame */
  const struct scope *jump;
  cal_frame *frame; /* the frame of the run in which the term is written */
  uint64_t level;   /* scopes between that frame and this one */
  uint64_t depths[];
} scope;

#define NOT_BOUND UINT64_MAX /* in place of a depth: to be substituted */

typedef enum task_kind {
  WRITE_TERM, /* part, in scope, below `depth` binders */
  WRITE_VALUE,
  WRITE_ONE,  /* "another element follows" */
  WRITE_ZERO, /* "no more elements" */
  WRITE_BODY, /* the body of a constant: no tags */
  WRITE_ITEMS /* an array from its item `depth` on */
} task_kind;

typedef struct task {
  task_kind kind;
  union {
    cal_part part;
    cal_value value;
  };
  const scope *scope;
  uint64_t depth;
} task;

typedef struct context {
  cal_arena *arena;
  cal_error *error;
  cal_writer writer;
  cal_stack tasks;
  size_t weight; /* of what has been written so far; limited as its length is */
  cal_status status;
} context;

/* What reading a result again, and printing it, takes time for: its parts more
 * than its bytes. Data knows its words, four a node, before it is written. */
enum { WEIGHT_OF_PART = 8, WEIGHT_OF_WORD = 4 };

static void give_up(context *context) {
  if (context->status == CAL_OK) {
    context->status =
        cal_fail(context->error, CAL_OUT_OF_MEMORY, "the result is too large to print");
  }
}

static void later(context *context, task task_) {
  task *next = cal_stack_push(&context->tasks, sizeof *next);
  if (next == NULL) {
    give_up(context);
    return;
  }
  *next = task_;
}

static void later_term(context *context, cal_part part, const scope *scope, uint64_t depth) {
  later(context, (task){WRITE_TERM, {.part = part}, scope, depth});
}

static void later_value(context *context, cal_value value) {
  later(context, (task){WRITE_VALUE, {.value = value}, NULL, 0});
}

static void later_mark(context *context, task_kind kind) { later(context, (task){.kind = kind}); }

static void write_tag(context *context, unsigned tag) {
  cal_write_bits(&context->writer, tag, TAG_BITS);
}

static void write_builtin(context *context, unsigned builtin, unsigned forces) {
  for (unsigned i = 0; i < forces; i++) {
    write_tag(context, TAG_FORCE);
  }
  write_tag(context, TAG_BUILTIN);
  cal_write_bits(&context->writer, builtin, BUILTIN_BITS);
}

static const scope *run_scope(context *context, cal_frame *frame) {
  scope *made = cal_alloc(context->arena, sizeof *made + CAL_FRAME_SLOTS * sizeof(uint64_t));
  if (made == NULL) {
    give_up(context);
    return NULL;
  }
  *made = (scope){NULL, made, frame, 0};
  for (int slot = 0; slot < CAL_FRAME_SLOTS; slot++) {
    made->depths[slot] = NOT_BOUND;
  }
  return made;
}

/* The frame that a lambda or let would open; its first variable is bound at
 * `depth`. */
static const scope *term_scope(context *context, const scope *outer, uint32_t slots,
                               uint64_t depth) {
  scope *made = cal_alloc(context->arena, sizeof *made + slots * sizeof(uint64_t));
  if (made == NULL) {
    give_up(context);
    return NULL;
  }
  const scope *jump = outer->jump;
  const bool even = outer->level - jump->level == jump->level - jump->jump->level;
  *made = (scope){outer, even ? jump->jump : outer, outer->frame, outer->level + 1};
  made->depths[0] = depth;
  return made;
}

static const scope *scope_at(const scope *scope, uint64_t level) {
  while (scope->level > level) {
    scope = scope->jump->level >= level ? scope->jump : scope->outer;
  }
  return scope;
}

static void write_variable(context *context, const task *now) {
  const scope *scope = now->scope;
  uint64_t hops = cal_part_frames(now->part);
  const uint64_t slot = cal_part_slot(now->part);
  const uint64_t within = hops < scope->level ? hops : scope->level;
  scope = scope_at(scope, scope->level - within);
  hops -= within;
  if (hops == 0 && (scope->outer != NULL || scope->depths[slot] != NOT_BOUND)) {
    write_tag(context, TAG_VAR);
    cal_write_word(&context->writer, now->depth - scope->depths[slot]);
    return;
  }
  cal_frame *frame = scope->frame;
  if (hops != 0) {
    frame = cal_frames_out(frame, cal_part_level(now->part) - now->scope->level, hops);
  }
  later_value(context, frame->slots[slot]);
}

static void write_let(context *context, const task *now) {
  const cal_node *node = cal_part_node(now->part);
  const scope *scope = now->scope;
  write_tag(context, TAG_APPLY);
  write_tag(context, TAG_LAMBDA);
  if (node->op == CAL_OP_LET_FRAME) {
    scope = term_scope(context, scope, node->number, now->depth);
    if (scope == NULL) {
      return;
    }
  } else {
    ((struct scope *)(uintptr_t)scope)->depths[node->slot] = now->depth;
  }
  later_term(context, node->parts[1], now->scope, now->depth);
  later_term(context, node->parts[0], scope, now->depth + 1);
}

static void write_lambda(context *context, const cal_node *node, const scope *outer,
                         uint64_t depth) {
  const scope *scope = term_scope(context, outer, node->number, depth);
  if (scope != NULL) {
    write_tag(context, TAG_LAMBDA);
    later_term(context, node->parts[0], scope, depth + 1);
  }
}

/* Fields or branches as a list: a one before each and a zero behind the last. */
static void write_terms(context *context, const task *now) {
  const cal_node *node = cal_part_node(now->part);
  later_mark(context, WRITE_ZERO);
  for (uint32_t i = node->number; i > 0; i--) {
    later_term(context, node->parts[i], now->scope, now->depth);
    later_mark(context, WRITE_ONE);
  }
}

static void write_call(context *context, const task *now) {
  const cal_node *node = cal_part_node(now->part);
  for (unsigned i = node->slot; i-- > 0;) {
    write_tag(context, TAG_APPLY);
    later_term(context, node->parts[i], now->scope, now->depth);
  }
  write_builtin(context, node->number, cal_builtins[node->number].forces);
}

static void write_node(context *context, const task *now) {
  const cal_node *node = cal_part_node(now->part);
  switch ((cal_op)node->op) {
  case CAL_OP_LAMBDA:
    write_lambda(context, node, now->scope, now->depth);
    break;
  case CAL_OP_APPLY:
    write_tag(context, TAG_APPLY);
    later_term(context, node->parts[1], now->scope, now->depth);
    later_term(context, node->parts[0], now->scope, now->depth);
    break;
  case CAL_OP_LET:
  case CAL_OP_LET_FRAME:
    write_let(context, now);
    break;
  case CAL_OP_FORCE_DELAY:
    write_tag(context, TAG_FORCE);
    write_tag(context, TAG_DELAY);
    later_term(context, node->parts[0], now->scope, now->depth);
    break;
  case CAL_OP_DELAY:
  case CAL_OP_FORCE:
    write_tag(context, node->op == CAL_OP_DELAY ? TAG_DELAY : TAG_FORCE);
    later_term(context, node->parts[0], now->scope, now->depth);
    break;
  case CAL_OP_BUILTIN:
    write_builtin(context, node->number, 0);
    break;
  case CAL_OP_CALL:
    write_call(context, now);
    break;
  case CAL_OP_CONSTR:
    write_tag(context, TAG_CONSTR);
    cal_write_word(&context->writer, node->parts[0]);
    write_terms(context, now);
    break;
  case CAL_OP_CASE:
    write_tag(context, TAG_CASE);
    write_terms(context, now);
    later_term(context, node->parts[0], now->scope, now->depth);
    break;
  case CAL_OP_ERROR:
    write_tag(context, TAG_ERROR);
    break;
  }
}

static void write_term(context *context, const task *now) {
  if (!cal_is_atom(now->part)) {
    write_node(context, now);
  } else if (cal_is_variable(now->part)) {
    write_variable(context, now);
  } else {
    later_value(context, cal_part_value(now->part));
  }
}

static void write_type(context *context, cal_value value) {
  const cal_kind kind = cal_kind_of(value);
  const cal_type *type = NULL;
  cal_writer *writer = &context->writer;
  if (kind == CAL_PAIR) {
    type = CAL_AS(cal_pair, value)->type;
  } else if (kind == CAL_LIST || kind == CAL_ARRAY) {
    type = CAL_AS(cal_list, value)->element;
    cal_write_bits(writer, 16 | CAL_TYPE_APPLY, 5);
    cal_write_bits(writer, 16U | (kind == CAL_LIST ? CAL_TYPE_LIST : CAL_TYPE_ARRAY), 5);
  } else {
    cal_write_bits(writer, 16U | cal_simple_tags[kind], 5);
  }
  for (size_t i = 0; type != NULL && i < type->length; i++) {
    cal_write_bits(writer, 16U | type->tags[i], 5);
  }
  cal_write_bits(writer, 0, 1);
}

static void write_data(context *context, cal_value value) {
  const uint8_t *bytes = NULL;
  size_t length = 0;
  bool readable = false;
  const size_t left = context->writer.most - context->writer.buffer.used;
  context->weight += (size_t)CAL_AS(cal_data, value)->head.size * WEIGHT_OF_WORD;
  if (context->weight > context->writer.most ||
      cal_data_to_cbor(context->arena, value, left, &bytes, &length, &readable, context->error) !=
          CAL_OK) {
    give_up(context);
    return;
  }
  if (!readable) {
    context->status =
        cal_fail(context->error, CAL_UNSUPPORTED,
                 "the result cannot be encoded: a constructor of Data beyond 64 bits");
    return;
  }
  cal_write_bytes(&context->writer, bytes, length);
}

/* The next item of an array, announced by a one, or the zero behind the last. */
static void write_items(context *context, const task *now) {
  const cal_array *array = CAL_AS(cal_array, now->value);
  const bool more = now->depth < array->length;
  cal_write_bits(&context->writer, more, 1);
  if (more) {
    later(context, (task){WRITE_ITEMS, {.value = now->value}, NULL, now->depth + 1});
    later(context, (task){WRITE_BODY, {.value = array->items[now->depth]}, NULL, 0});
  }
}

static void write_body(context *context, cal_value value) {
  cal_writer *writer = &context->writer;
  uint8_t compressed[CAL_G2_COMPRESSED];
  size_t length = 0;
  switch (cal_kind_of(value)) {
  case CAL_INTEGER:
    cal_write_integer(writer, value);
    break;
  case CAL_BYTES:
  case CAL_TEXT:
    cal_write_bytes(writer, CAL_AS(cal_bytes, value)->data, CAL_AS(cal_bytes, value)->length);
    break;
  case CAL_UNIT:
    break;
  case CAL_BOOL:
    cal_write_bits(writer, cal_bool(value), 1);
    break;
  case CAL_PAIR:
    later(context, (task){WRITE_BODY, {.value = CAL_AS(cal_pair, value)->second}, NULL, 0});
    later(context, (task){WRITE_BODY, {.value = CAL_AS(cal_pair, value)->first}, NULL, 0});
    break;
  case CAL_LIST: {
    const cal_list *cell = CAL_AS(cal_list, value);
    cal_write_bits(writer, cell->head.form, 1);
    if (cell->head.form != 0) {
      later(context, (task){WRITE_BODY, {.value = cal_from_object(cell->rest)}, NULL, 0});
      later(context, (task){WRITE_BODY, {.value = cell->first}, NULL, 0});
    }
    break;
  }
  case CAL_ARRAY:
    later(context, (task){WRITE_ITEMS, {.value = value}, NULL, 0});
    break;
  case CAL_MULTI_ASSET:
    if (!cal_write_assets(writer, context->arena, value)) {
      give_up(context);
    }
    break;
  case CAL_DATA:
    write_data(context, value);
    break;
  case CAL_G1:
  case CAL_G2:
    cal_group_to_bytes(value, compressed, &length);
    cal_write_bytes(writer, compressed, length);
    break;
  default:
    context->status = cal_fail(context->error, CAL_UNSUPPORTED,
                               "the result cannot be encoded: its type has no constants");
  }
}

static void write_partial(context *context, const cal_partial *partial) {
  for (unsigned i = partial->head.count; i-- > 0;) {
    write_tag(context, TAG_APPLY);
    later_value(context, partial->arguments[i]);
  }
  write_builtin(context, partial->head.size, partial->head.form);
}

static void write_constr(context *context, const cal_constr *constr) {
  write_tag(context, TAG_CONSTR);
  cal_write_word(&context->writer, constr->tag);
  later_mark(context, WRITE_ZERO);
  for (uint32_t i = constr->head.size; i-- > 0;) {
    later_value(context, constr->fields[i]);
    later_mark(context, WRITE_ONE);
  }
}

static void write_value(context *context, cal_value value) {
  const cal_kind kind = cal_kind_of(value);
  if (kind < CAL_CLOSURE) {
    write_tag(context, TAG_CONSTANT);
    write_type(context, value);
    write_body(context, value);
  } else if (kind == CAL_PARTIAL) {
    write_partial(context, CAL_AS(cal_partial, value));
  } else if (kind == CAL_CONSTR) {
    write_constr(context, CAL_AS(cal_constr, value));
  } else {
    const cal_code *code = CAL_AS(cal_code, value);
    const scope *scope = run_scope(context, code->frame);
    if (scope != NULL) {
      /* Closed once its environment is substituted, so it may count its
       * binders from nothing wherever it is put. */
      later_term(context, (cal_part)code->node, scope, 0);
    }
  }
}

static void write_all(context *context) {
  const task *next = NULL;
  while (context->status == CAL_OK &&
         (next = cal_stack_pop(&context->tasks, sizeof *next)) != NULL) {
    const task now = *next;
    context->weight += WEIGHT_OF_PART;
    switch (now.kind) {
    case WRITE_TERM:
      write_term(context, &now);
      break;
    case WRITE_VALUE:
      write_value(context, now.value);
      break;
    case WRITE_BODY:
      write_body(context, now.value);
      break;
    case WRITE_ITEMS:
      write_items(context, &now);
      break;
    case WRITE_ONE:
    case WRITE_ZERO:
      cal_write_bits(&context->writer, now.kind == WRITE_ONE, 1);
      break;
    }
    if (context->writer.failed || context->weight > context->writer.most) {
      give_up(context);
    }
  }
}

cal_status cal_machine_write_result(cal_machine *machine, const cal_outcome *outcome,
                                    const uint64_t version[3], size_t most, const uint8_t **bytes,
                                    size_t *length, cal_error *error) {
  context context = {.arena = &machine->arena, .error = error};
  cal_writer_init(&context.writer, &machine->arena, most);
  cal_stack_init(&context.tasks, &machine->arena);
  for (int i = 0; i < 3; i++) {
    cal_write_word(&context.writer, version[i]);
  }
  later_value(&context, outcome->result);
  write_all(&context);
  cal_write_padding(&context.writer);
  uint8_t *copy = NULL;
  if (context.status == CAL_OK && !context.writer.failed) {
    copy = cal_alloc(&machine->arena, context.writer.buffer.used);
  }
  if (copy == NULL) {
    give_up(&context);
  } else {
    memcpy(copy, context.writer.buffer.base, context.writer.buffer.used);
    *bytes = copy;
    *length = context.writer.buffer.used;
  }
  cal_writer_release(&context.writer);
  cal_stack_release(&context.tasks);
  return context.status;
}
