/* Flat programs, decoded straight into the form that the machine runs.
 *
 * One loop reads a term, goes on with its first subterm, and leaves a task for
 * each of the others; a leaf takes up the task left last.
 */
#include <string.h>

#include "builtins/table.h"
#include "codec/constant.h"
#include "codec/flat_tags.h"
#include "codec/reader.h"
#include "machine/frame.h"
#include "machine/script.h"

/* Where a variable lives: the depth of its frame and the slot in it. */
typedef struct binder {
  uint32_t level;
  uint32_t slot;
} binder;

/* The frame that terms are being compiled for: the node whose number is its
 * slots (NULL outside all lambdas), and its depth. */
typedef struct scope {
  cal_node *owner;
  uint32_t level;
} scope;

typedef enum task_kind {
  READ_TERM,   /* into `place`, a cal_part */
  READ_FIELDS, /* a field or the end of them; `place` is a fields */
  LEAVE        /* a variable goes out of scope; `place` and `level` are the scope outside */
} task_kind;

typedef struct task {
  uint32_t kind;
  uint32_t level;
  void *place;
} task;

/* A field of a constructor or a branch of a case, until all are known. */
typedef struct field {
  cal_part part;
  struct field *next;
} field;

typedef struct fields {
  field *first;
  field **last;
  size_t count;
  cal_part *into;
  cal_part head; /* the scrutinee or the constructor's tag */
  cal_op op;
} fields;

typedef struct decoder {
  cal_reader reader;
  cal_script *script;
  const cal_decode_options *options;
  cal_error *error;
  scope scope;
  cal_stack tasks;
  cal_stack binders;
} decoder;

static cal_status malformed(const decoder *decoder, const char *what) {
  const size_t byte = decoder->reader.position / 8;
  if (decoder->error != NULL) {
    decoder->error->offset = byte;
  }
  return cal_fail(decoder->error, CAL_MALFORMED, "flat: %s at byte %zu", what, byte);
}

static cal_status exhausted(const decoder *decoder) {
  return cal_fail(decoder->error, CAL_OUT_OF_MEMORY,
                  "the script needs more than the allowed %zu bytes in memory",
                  decoder->options->memory_cap);
}

static inline bool schedule(decoder *decoder, task_kind kind, void *place) {
  task *next = cal_stack_push(&decoder->tasks, sizeof *next);
  if (CAL_UNLIKELY(next == NULL)) {
    return false;
  }
  *next = (task){kind, 0, place};
  return true;
}

/* Brings a variable into scope, in the frame of `inside`, until what is read
 * next has been. */
static inline bool bind(decoder *decoder, scope inside, uint32_t slot) {
  task *leave = cal_stack_push(&decoder->tasks, sizeof *leave);
  binder *bound = cal_stack_push(&decoder->binders, sizeof *bound);
  if (CAL_UNLIKELY(leave == NULL || bound == NULL || inside.level >> CAL_DEPTH_BITS != 0)) {
    return false;
  }
  *leave = (task){LEAVE, decoder->scope.level, decoder->scope.owner};
  *bound = (binder){inside.level, slot};
  decoder->scope = inside;
  return true;
}

static inline cal_node *new_node(decoder *decoder, cal_op op, size_t parts) {
  cal_node *node = cal_alloc(&decoder->script->arena, sizeof *node + parts * sizeof(cal_part));
  if (CAL_LIKELY(node != NULL)) {
    node->op = (uint16_t)op;
    node->slot = 0;
    node->number = 0;
  }
  return node;
}

/* `window` shows what follows the tag: nearly always an index of one group. */
static inline cal_status read_variable(decoder *decoder, uint64_t window, cal_part *into) {
  const bool short_index = window >> 63 == 0 && cal_skip_bits(&decoder->reader, 8);
  const uint64_t index = short_index ? window >> 56 : cal_read_word(&decoder->reader);
  const size_t depth = decoder->binders.used / sizeof(binder);
  if (CAL_UNLIKELY(decoder->reader.failed)) {
    return malformed(decoder, "a variable that does not end");
  }
  if (CAL_UNLIKELY(index == 0 || index > depth)) {
    return malformed(decoder, "a free variable");
  }
  const binder *bound = (const binder *)(const void *)decoder->binders.base + (depth - index);
  const uint32_t level = decoder->scope.level;
  *into = cal_part_variable(level, level - bound->level, bound->slot);
  return CAL_OK;
}

/* Sets what a node knows of the frame that it opens at a depth: its reach and its
 * slots so far. */
static inline void open_frame(cal_node *node, uint32_t level) {
  const unsigned reach = cal_reach(level);
  node->slot = (uint16_t)reach;
  node->number = cal_first_slots(reach);
}

/* Out: *body, where to read on. */
static inline cal_status read_lambda(decoder *decoder, cal_part *into, cal_part **body) {
  cal_node *node = new_node(decoder, CAL_OP_LAMBDA, 1);
  const scope inside = {node, decoder->scope.level + 1};
  if (CAL_UNLIKELY(node == NULL || !bind(decoder, inside, 0))) {
    return exhausted(decoder);
  }
  open_frame(node, inside.level);
  *into = (cal_part)node;
  *body = &node->parts[0];
  return CAL_OK;
}

/* `[(lam x body) arg]`, whose two tags have been read. */
static cal_status read_let(decoder *decoder, cal_part *into, cal_part **body) {
  cal_node *owner = decoder->scope.owner;
  const bool fits = owner != NULL && owner->number < CAL_FRAME_SLOTS;
  cal_node *node = new_node(decoder, fits ? CAL_OP_LET : CAL_OP_LET_FRAME, 2);
  if (CAL_UNLIKELY(node == NULL || !schedule(decoder, READ_TERM, &node->parts[1]))) {
    return exhausted(decoder);
  }
  scope inside = {node, decoder->scope.level + 1};
  uint32_t slot = 0;
  if (fits) {
    inside = decoder->scope;
    slot = owner->number++;
    node->slot = (uint16_t)slot;
  } else {
    open_frame(node, inside.level);
  }
  if (CAL_UNLIKELY(!bind(decoder, inside, slot))) {
    return exhausted(decoder);
  }
  *into = (cal_part)node;
  *body = &node->parts[0];
  return CAL_OK;
}

static cal_status read_builtin_tag(decoder *decoder, unsigned *tag) {
  *tag = (unsigned)cal_read_bits(&decoder->reader, BUILTIN_BITS);
  if (decoder->reader.failed) {
    return malformed(decoder, "a builtin without its tag");
  }
  if (*tag >= CAL_BUILTINS + CAL_NOPS) {
    return malformed(decoder, "an unknown builtin tag");
  }
  if (decoder->options->builtins[*tag] == 0) {
    return cal_fail(decoder->error, CAL_UNAVAILABLE,
                    "flat: builtin %s is not available in this language and protocol version",
                    cal_builtins[*tag].name);
  }
  return CAL_OK;
}

/* Whether a saturated call of a builtin starts behind the Apply tag just read:
 * as many applications as its arity, as many forces as it takes. That is told
 * by at most seven more tags and a builtin's, 39 bits. Out: *skip, the bits from
 * here to the builtin's own tag. */
static inline bool at_saturated_call(const decoder *decoder, unsigned *skip) {
  uint64_t window = cal_window(&decoder->reader);
  unsigned applied = 1;
  unsigned forced = 0;
  while (window >> (64 - TAG_BITS) == TAG_APPLY && applied < CAL_MAX_ARITY) {
    applied++;
    window <<= TAG_BITS;
  }
  while (window >> (64 - TAG_BITS) == TAG_FORCE && forced < 2) {
    forced++;
    window <<= TAG_BITS;
  }
  if (window >> (64 - TAG_BITS) != TAG_BUILTIN) {
    return false;
  }
  const unsigned builtin = (unsigned)(window << TAG_BITS >> (64 - BUILTIN_BITS));
  *skip = (applied + forced) * TAG_BITS;
  return cal_builtins[builtin].arity == applied && cal_builtins[builtin].forces == forced;
}

static cal_status read_call(decoder *decoder, unsigned skip, cal_part *into, cal_part **first) {
  unsigned tag = 0;
  if (!cal_skip_bits(&decoder->reader, skip)) {
    return malformed(decoder, "the program ends too early");
  }
  decoder->script->nodes += skip / TAG_BITS;
  const cal_status status = read_builtin_tag(decoder, &tag);
  if (status != CAL_OK) {
    return status;
  }
  const unsigned arity = cal_builtins[tag].arity;
  cal_node *node = new_node(decoder, CAL_OP_CALL, arity);
  if (CAL_UNLIKELY(node == NULL)) {
    return exhausted(decoder);
  }
  node->number = tag;
  node->slot = (uint16_t)arity;
  *into = (cal_part)node;
  *first = &node->parts[0];
  for (unsigned i = arity; i-- > 1;) {
    if (CAL_UNLIKELY(!schedule(decoder, READ_TERM, &node->parts[i]))) {
      return exhausted(decoder);
    }
  }
  return CAL_OK;
}

static cal_status read_apply(decoder *decoder, cal_part *into, cal_part **next) {
  unsigned skip = 0;
  if (at_saturated_call(decoder, &skip)) {
    return read_call(decoder, skip, into, next);
  }
  if (cal_window(&decoder->reader) >> (64 - TAG_BITS) == TAG_LAMBDA &&
      cal_skip_bits(&decoder->reader, TAG_BITS)) {
    decoder->script->nodes++;
    return read_let(decoder, into, next);
  }
  cal_node *node = new_node(decoder, CAL_OP_APPLY, 2);
  if (CAL_UNLIKELY(node == NULL || !schedule(decoder, READ_TERM, &node->parts[1]))) {
    return exhausted(decoder);
  }
  *into = (cal_part)node;
  *next = &node->parts[0];
  return CAL_OK;
}

/* A delay, or a force of what may be an immediate delay. */
static inline cal_status read_unary(decoder *decoder, unsigned tag, cal_part *into,
                                    cal_part **body) {
  cal_op op = CAL_OP_DELAY;
  if (tag == TAG_FORCE) {
    op = CAL_OP_FORCE;
    if (cal_window(&decoder->reader) >> (64 - TAG_BITS) == TAG_DELAY &&
        cal_skip_bits(&decoder->reader, TAG_BITS)) {
      decoder->script->nodes++;
      op = CAL_OP_FORCE_DELAY;
    }
  }
  cal_node *node = new_node(decoder, op, 1);
  if (CAL_UNLIKELY(node == NULL)) {
    return exhausted(decoder);
  }
  *into = (cal_part)node;
  *body = &node->parts[0];
  return CAL_OK;
}

static cal_status read_constant(decoder *decoder, cal_part *into) {
  cal_value *value = cal_alloc(&decoder->script->arena, sizeof *value);
  if (CAL_UNLIKELY(value == NULL)) {
    return exhausted(decoder);
  }
  *into = cal_part_constant(value);
  return cal_read_constant(&decoder->reader, &decoder->script->arena, decoder->options, value,
                           decoder->error);
}

static cal_status read_bare(decoder *decoder, unsigned tag, cal_part *into) {
  unsigned builtin = 0;
  if (tag == TAG_BUILTIN) {
    const cal_status status = read_builtin_tag(decoder, &builtin);
    if (status != CAL_OK) {
      return status;
    }
  }
  cal_node *node = new_node(decoder, tag == TAG_BUILTIN ? CAL_OP_BUILTIN : CAL_OP_ERROR, 0);
  if (node == NULL) {
    return exhausted(decoder);
  }
  node->number = builtin;
  *into = (cal_part)node;
  return CAL_OK;
}

/* Out: *next, where to read on; NULL where the list of fields comes first. */
static cal_status read_constr_or_case(decoder *decoder, unsigned tag, cal_part *into,
                                      cal_part **next) {
  const uint64_t *version = decoder->script->version;
  if (version[0] == 1 && version[1] == 0) {
    return malformed(decoder, "constr and case need UPLC 1.1.0, but the program says 1.0.0:");
  }
  fields *fields = cal_alloc(&decoder->script->arena, sizeof *fields);
  if (fields == NULL || !schedule(decoder, READ_FIELDS, fields)) {
    return exhausted(decoder);
  }
  *fields = (struct fields){.into = into, .op = tag == TAG_CASE ? CAL_OP_CASE : CAL_OP_CONSTR};
  fields->last = &fields->first;
  *next = NULL;
  if (tag == TAG_CASE) {
    *next = &fields->head;
    return CAL_OK;
  }
  fields->head = cal_read_word(&decoder->reader);
  return decoder->reader.failed ? malformed(decoder, "a constructor tag beyond 64 bits") : CAL_OK;
}

static cal_status finish_fields(decoder *decoder, const fields *fields) {
  if (fields->count > UINT32_MAX) {
    return malformed(decoder, "too many fields");
  }
  cal_node *node = new_node(decoder, fields->op, fields->count + 1);
  if (node == NULL) {
    return exhausted(decoder);
  }
  node->number = (uint32_t)fields->count;
  node->parts[0] = fields->head;
  size_t place = 1;
  for (const field *field = fields->first; field != NULL; field = field->next) {
    node->parts[place++] = field->part;
  }
  *fields->into = (cal_part)node;
  return CAL_OK;
}

/* Out: *next, where to read a field; NULL after the last. */
static cal_status read_fields(decoder *decoder, fields *fields, cal_part **next) {
  const uint64_t more = cal_read_bits(&decoder->reader, 1);
  *next = NULL;
  if (decoder->reader.failed) {
    return malformed(decoder, "a list of terms that does not end");
  }
  if (more == 0) {
    return finish_fields(decoder, fields);
  }
  field *made = cal_alloc(&decoder->script->arena, sizeof *made);
  if (made == NULL || !schedule(decoder, READ_FIELDS, fields)) {
    return exhausted(decoder);
  }
  if (fields->op == CAL_OP_CONSTR && fields->count >= decoder->options->max_fields) {
    return malformed(decoder, "a constructor with more fields than this protocol version allows");
  }
  *made = (field){0, NULL};
  *fields->last = made;
  fields->last = &made->next;
  fields->count++;
  *next = &made->part;
  return CAL_OK;
}

/* Reads one term without its subterms. Out: *next, the first of them to read;
 * NULL where there is none. */
static inline cal_status read_term(decoder *decoder, cal_part *into, cal_part **next) {
  const uint64_t window = cal_window(&decoder->reader);
  const unsigned tag = (unsigned)(window >> (64 - TAG_BITS));
  if (CAL_UNLIKELY(!cal_skip_bits(&decoder->reader, TAG_BITS))) {
    return malformed(decoder, "the program ends too early");
  }
  decoder->script->nodes++;
  *next = NULL;
  switch (tag) {
  case TAG_VAR:
    return read_variable(decoder, window << TAG_BITS, into);
  case TAG_LAMBDA:
    return read_lambda(decoder, into, next);
  case TAG_APPLY:
    return read_apply(decoder, into, next);
  case TAG_DELAY:
  case TAG_FORCE:
    return read_unary(decoder, tag, into, next);
  case TAG_CONSTANT:
    return read_constant(decoder, into);
  case TAG_ERROR:
  case TAG_BUILTIN:
    return read_bare(decoder, tag, into);
  case TAG_CONSTR:
  case TAG_CASE:
    return read_constr_or_case(decoder, tag, into, next);
  default:
    return malformed(decoder, "an unknown term tag");
  }
}

/* Does tasks up to one that says where to read on. Out: *next, NULL at the end. */
static inline cal_status take_up(decoder *decoder, cal_part **next) {
  *next = NULL;
  const task *top = NULL;
  while (*next == NULL && (top = cal_stack_pop(&decoder->tasks, sizeof *top)) != NULL) {
    if (top->kind == READ_TERM) {
      *next = top->place;
    } else if (top->kind == LEAVE) {
      decoder->scope = (scope){top->place, top->level};
      decoder->binders.used -= sizeof(binder);
    } else {
      const cal_status status = read_fields(decoder, top->place, next);
      if (status != CAL_OK) {
        return status;
      }
    }
  }
  return CAL_OK;
}

static cal_status read_root(decoder *decoder) {
  cal_part *into = &decoder->script->root;
  while (into != NULL) {
    cal_part *next = NULL;
    cal_status status = read_term(decoder, into, &next);
    if (status == CAL_OK && next == NULL) {
      status = take_up(decoder, &next);
    }
    if (CAL_UNLIKELY(status != CAL_OK)) {
      return status;
    }
    into = next;
  }
  return CAL_OK;
}

static cal_status read_version(decoder *decoder) {
  uint64_t *version = decoder->script->version;
  for (int i = 0; i < 3; i++) {
    version[i] = cal_read_natural(&decoder->reader);
  }
  if (decoder->reader.failed) {
    return malformed(decoder, "the version does not end");
  }
  if (version[0] != 1 || version[1] > 1 || version[2] != 0) {
    return malformed(decoder, "a program version that is neither 1.0.0 nor 1.1.0");
  }
  if (version[1] == 1 && decoder->options->version_1_1 == 0) {
    return cal_fail(decoder->error, CAL_UNAVAILABLE,
                    "flat: UPLC 1.1.0 is not available in this language and protocol version");
  }
  return CAL_OK;
}

static cal_status read_program(decoder *decoder) {
  cal_status status = read_version(decoder);
  if (status == CAL_OK) {
    status = read_root(decoder);
  }
  if (status != CAL_OK) {
    return status;
  }
  cal_read_padding(&decoder->reader);
  if (decoder->reader.failed) {
    return malformed(decoder, "wrong padding behind the program");
  }
  if (decoder->reader.position != decoder->reader.limit) {
    return malformed(decoder, "bytes behind the program");
  }
  return CAL_OK;
}

cal_status cal_script_decode(const uint8_t *bytes, size_t length, const cal_decode_options *options,
                             cal_script **script, cal_error *error) {
  *script = NULL;
  cal_script *decoded = cal_script_new(options->memory_cap);
  if (decoded == NULL) {
    return cal_fail(error, CAL_OUT_OF_MEMORY, "no memory for a script");
  }
  decoder decoder = {.reader = cal_reader_of(bytes, length),
                     .script = decoded,
                     .options = options,
                     .error = error};
  cal_stack_init(&decoder.tasks, &decoded->arena);
  cal_stack_init(&decoder.binders, &decoded->arena);
  const cal_status status = read_program(&decoder);
  cal_stack_release(&decoder.tasks);
  cal_stack_release(&decoder.binders);
  if (status != CAL_OK) {
    cal_script_free(decoded);
    return status;
  }
  *script = decoded;
  return CAL_OK;
}
