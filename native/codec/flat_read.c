/* Flat programs, decoded straight into the form that the machine runs. */
#include <string.h>

#include "builtins/table.h"
#include "codec/constant.h"
#include "codec/reader.h"
#include "machine/script.h"

enum {
  TAG_VAR,
  TAG_DELAY,
  TAG_LAMBDA,
  TAG_APPLY,
  TAG_CONSTANT,
  TAG_FORCE,
  TAG_ERROR,
  TAG_BUILTIN,
  TAG_CONSTR,
  TAG_CASE
};
enum { TAG_BITS = 4, BUILTIN_BITS = 7 };

/* Where a variable lives: the depth of its frame and the slot in it. */
typedef struct binder {
  uint32_t level;
  uint32_t slot;
} binder;

/* The frame that terms are being compiled for. */
typedef struct scope {
  cal_node *owner; /* the node whose number is the frame's slots; NULL outside all lambdas */
  uint32_t level;
} scope;

typedef enum task_kind {
  READ_TERM,
  READ_FIELDS,  /* a field or the end of them */
  LEAVE_BINDER, /* a variable goes out of scope */
  LEAVE_SCOPE
} task_kind;

/* A field of a constructor or a branch of a case, until all are known. */
typedef struct field {
  const cal_node *node;
  struct field *next;
} field;

typedef struct fields {
  field *first;
  field **last;
  size_t count;
  const cal_node **into;
  const cal_node *scrutinee;
  uint64_t tag;
  cal_op op;
} fields;

typedef struct task {
  task_kind kind;
  void *into; /* const cal_node ** or fields * */
} task;

typedef struct decoder {
  cal_reader reader;
  cal_script *script;
  const cal_decode_options *options;
  cal_error *error;
  cal_stack tasks;
  cal_stack binders;
  cal_stack scopes;
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

static cal_status schedule(decoder *decoder, task_kind kind, void *into) {
  task *next = cal_stack_push(&decoder->tasks, sizeof *next);
  if (next == NULL) {
    return exhausted(decoder);
  }
  *next = (task){kind, into};
  return CAL_OK;
}

static cal_node *new_node(decoder *decoder, cal_op op, size_t parts) {
  cal_node *node = cal_alloc(&decoder->script->arena, sizeof *node + parts * sizeof(cal_part));
  if (node != NULL) {
    node->op = (uint16_t)op;
    node->slot = 0;
    node->number = 0;
  }
  return node;
}

static scope *current_scope(const decoder *decoder) {
  return (scope *)(void *)(decoder->scopes.base + decoder->scopes.used - sizeof(scope));
}

static cal_status push_scope(decoder *decoder, cal_node *owner, uint32_t level) {
  scope *opened = cal_stack_push(&decoder->scopes, sizeof *opened);
  if (opened == NULL) {
    return exhausted(decoder);
  }
  *opened = (scope){owner, level};
  return CAL_OK;
}

static cal_status push_binder(decoder *decoder, uint32_t level, uint32_t slot) {
  binder *bound = cal_stack_push(&decoder->binders, sizeof *bound);
  if (bound == NULL) {
    return exhausted(decoder);
  }
  *bound = (binder){level, slot};
  return CAL_OK;
}

/* Skips the tag of the next term when it is `tag`. */
static bool take_tag(decoder *decoder, unsigned tag) {
  cal_reader *reader = &decoder->reader;
  if (reader->limit - reader->position < TAG_BITS || cal_peek_bits(reader, TAG_BITS) != tag) {
    return false;
  }
  reader->position += TAG_BITS;
  decoder->script->nodes++;
  return true;
}

static cal_status read_variable(decoder *decoder, const cal_node **into) {
  const uint64_t index = cal_read_word(&decoder->reader);
  const size_t depth = decoder->binders.used / sizeof(binder);
  if (decoder->reader.failed) {
    return malformed(decoder, "a variable that does not end");
  }
  if (index == 0 || index > depth) {
    return malformed(decoder, "a free variable");
  }
  const binder *bound = (const binder *)(const void *)decoder->binders.base + (depth - index);
  const uint32_t hops = current_scope(decoder)->level - bound->level;
  cal_node *node = new_node(decoder, hops == 0 ? CAL_OP_LOCAL : CAL_OP_OUTER, 0);
  if (node == NULL) {
    return exhausted(decoder);
  }
  node->slot = (uint16_t)bound->slot;
  node->number = hops;
  *into = node;
  return CAL_OK;
}

/* The last task scheduled is the first done. */
static cal_status read_lambda(decoder *decoder, const cal_node **into) {
  cal_node *node = new_node(decoder, CAL_OP_LAMBDA, 1);
  if (node == NULL) {
    return exhausted(decoder);
  }
  *into = node;
  node->number = 1;
  cal_status status = push_scope(decoder, node, current_scope(decoder)->level + 1);
  if (status == CAL_OK) {
    status = push_binder(decoder, current_scope(decoder)->level, 0);
  }
  if (status == CAL_OK) {
    status = schedule(decoder, LEAVE_SCOPE, NULL);
  }
  if (status == CAL_OK) {
    status = schedule(decoder, LEAVE_BINDER, NULL);
  }
  return status != CAL_OK ? status : schedule(decoder, READ_TERM, &node->parts[0].node);
}

/* `[(lam x body) arg]`, whose two tags have been read. */
static cal_status read_let(decoder *decoder, const cal_node **into) {
  scope *scope = current_scope(decoder);
  const bool fits = scope->owner != NULL && scope->owner->number < CAL_FRAME_SLOTS;
  cal_node *node = new_node(decoder, fits ? CAL_OP_LET : CAL_OP_LET_FRAME, 2);
  if (node == NULL) {
    return exhausted(decoder);
  }
  *into = node;
  cal_status status = schedule(decoder, READ_TERM, &node->parts[1].node);
  if (fits) {
    node->slot = (uint16_t)scope->owner->number++;
    if (status == CAL_OK) {
      status = push_binder(decoder, scope->level, node->slot);
    }
  } else {
    node->number = 1;
    const uint32_t level = scope->level + 1;
    if (status == CAL_OK) {
      status = push_scope(decoder, node, level);
    }
    if (status == CAL_OK) {
      status = push_binder(decoder, level, 0);
    }
    if (status == CAL_OK) {
      status = schedule(decoder, LEAVE_SCOPE, NULL);
    }
  }
  if (status == CAL_OK) {
    status = schedule(decoder, LEAVE_BINDER, NULL);
  }
  return status != CAL_OK ? status : schedule(decoder, READ_TERM, &node->parts[0].node);
}

static cal_status read_builtin_tag(decoder *decoder, unsigned *tag) {
  *tag = cal_read_bits(&decoder->reader, BUILTIN_BITS);
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
 * as many applications as its arity, as many forces as it takes. Looks at nine
 * tags at most. Out: *skip, the bits from here to the builtin's tag. */
static bool at_saturated_call(const decoder *decoder, unsigned *skip) {
  cal_reader ahead = decoder->reader;
  unsigned applied = 1;
  unsigned forced = 0;
  unsigned tag = cal_read_bits(&ahead, TAG_BITS);
  while (tag == TAG_APPLY && applied < CAL_MAX_ARITY) {
    applied++;
    tag = cal_read_bits(&ahead, TAG_BITS);
  }
  while (tag == TAG_FORCE && forced < 2) {
    forced++;
    tag = cal_read_bits(&ahead, TAG_BITS);
  }
  if (tag != TAG_BUILTIN || ahead.failed) {
    return false;
  }
  *skip = (unsigned)(ahead.position - decoder->reader.position);
  const unsigned builtin = cal_read_bits(&ahead, BUILTIN_BITS);
  return !ahead.failed && builtin < CAL_BUILTIN_ROWS && cal_builtins[builtin].arity == applied &&
         cal_builtins[builtin].forces == forced;
}

static cal_status read_call(decoder *decoder, unsigned skip, const cal_node **into) {
  decoder->reader.position += skip;
  decoder->script->nodes += skip / TAG_BITS;
  unsigned tag = 0;
  cal_status status = read_builtin_tag(decoder, &tag);
  if (status != CAL_OK) {
    return status;
  }
  const unsigned arity = cal_builtins[tag].arity;
  cal_node *node = new_node(decoder, CAL_OP_CALL, arity);
  if (node == NULL) {
    return exhausted(decoder);
  }
  node->number = tag;
  node->slot = (uint16_t)arity;
  *into = node;
  for (unsigned i = arity; i-- > 0 && status == CAL_OK;) {
    status = schedule(decoder, READ_TERM, &node->parts[i].node);
  }
  return status;
}

static cal_status read_apply(decoder *decoder, const cal_node **into) {
  unsigned skip = 0;
  if (at_saturated_call(decoder, &skip)) {
    return read_call(decoder, skip, into);
  }
  if (take_tag(decoder, TAG_LAMBDA)) {
    return read_let(decoder, into);
  }
  cal_node *node = new_node(decoder, CAL_OP_APPLY, 2);
  if (node == NULL) {
    return exhausted(decoder);
  }
  *into = node;
  const cal_status status = schedule(decoder, READ_TERM, &node->parts[1].node);
  return status != CAL_OK ? status : schedule(decoder, READ_TERM, &node->parts[0].node);
}

static cal_status read_delay(decoder *decoder, const cal_node **into) {
  cal_node *node = new_node(decoder, CAL_OP_DELAY, 1);
  if (node == NULL) {
    return exhausted(decoder);
  }
  *into = node;
  return schedule(decoder, READ_TERM, &node->parts[0].node);
}

static cal_status read_force(decoder *decoder, const cal_node **into) {
  const bool immediate = take_tag(decoder, TAG_DELAY);
  cal_node *node = new_node(decoder, immediate ? CAL_OP_FORCE_DELAY : CAL_OP_FORCE, 1);
  if (node == NULL) {
    return exhausted(decoder);
  }
  *into = node;
  return schedule(decoder, READ_TERM, &node->parts[0].node);
}

static cal_status read_leaf(decoder *decoder, unsigned tag, const cal_node **into) {
  cal_node *node = NULL;
  if (tag == TAG_ERROR) {
    node = new_node(decoder, CAL_OP_ERROR, 0);
  } else if (tag == TAG_CONSTANT) {
    node = new_node(decoder, CAL_OP_CONSTANT, 1);
    if (node != NULL) {
      const cal_status status =
          cal_read_constant(&decoder->reader, &decoder->script->arena,
                            decoder->options->group_elements != 0, &node->parts[0].value,
                            decoder->error);
      if (status != CAL_OK) {
        return status;
      }
    }
  } else {
    unsigned builtin = 0;
    const cal_status status = read_builtin_tag(decoder, &builtin);
    if (status != CAL_OK) {
      return status;
    }
    node = new_node(decoder, CAL_OP_BUILTIN, 0);
    if (node != NULL) {
      node->number = builtin;
    }
  }
  *into = node;
  return node == NULL ? exhausted(decoder) : CAL_OK;
}

static cal_status read_constr_or_case(decoder *decoder, cal_op op, const cal_node **into) {
  const uint64_t *version = decoder->script->version;
  if (version[0] == 1 && version[1] == 0) {
    return malformed(decoder, "constr and case need UPLC 1.1.0, but the program says 1.0.0:");
  }
  fields *fields = cal_alloc(&decoder->script->arena, sizeof *fields);
  if (fields == NULL) {
    return exhausted(decoder);
  }
  *fields = (struct fields){.into = into, .op = op};
  fields->last = &fields->first;
  if (op == CAL_OP_CONSTR) {
    fields->tag = cal_read_word(&decoder->reader);
    return decoder->reader.failed ? malformed(decoder, "a constructor tag beyond 64 bits")
                                  : schedule(decoder, READ_FIELDS, fields);
  }
  const cal_status status = schedule(decoder, READ_FIELDS, fields);
  return status != CAL_OK ? status : schedule(decoder, READ_TERM, &fields->scrutinee);
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
  if (fields->op == CAL_OP_CONSTR) {
    node->parts[0].tag = fields->tag;
  } else {
    node->parts[0].node = fields->scrutinee;
  }
  size_t place = 1;
  for (const field *field = fields->first; field != NULL; field = field->next) {
    node->parts[place++].node = field->node;
  }
  *fields->into = node;
  return CAL_OK;
}

static cal_status read_fields(decoder *decoder, fields *fields) {
  const unsigned more = cal_read_bits(&decoder->reader, 1);
  if (decoder->reader.failed) {
    return malformed(decoder, "a list of terms that does not end");
  }
  if (more == 0) {
    return finish_fields(decoder, fields);
  }
  field *next = cal_alloc(&decoder->script->arena, sizeof *next);
  if (next == NULL) {
    return exhausted(decoder);
  }
  *next = (field){NULL, NULL};
  *fields->last = next;
  fields->last = &next->next;
  fields->count++;
  const cal_status status = schedule(decoder, READ_FIELDS, fields);
  return status != CAL_OK ? status : schedule(decoder, READ_TERM, &next->node);
}

static cal_status read_term(decoder *decoder, const cal_node **into) {
  const unsigned tag = cal_read_bits(&decoder->reader, TAG_BITS);
  if (decoder->reader.failed) {
    return malformed(decoder, "the program ends too early");
  }
  decoder->script->nodes++;
  switch (tag) {
  case TAG_VAR:
    return read_variable(decoder, into);
  case TAG_DELAY:
    return read_delay(decoder, into);
  case TAG_LAMBDA:
    return read_lambda(decoder, into);
  case TAG_APPLY:
    return read_apply(decoder, into);
  case TAG_FORCE:
    return read_force(decoder, into);
  case TAG_CONSTANT:
  case TAG_ERROR:
  case TAG_BUILTIN:
    return read_leaf(decoder, tag, into);
  case TAG_CONSTR:
    return read_constr_or_case(decoder, CAL_OP_CONSTR, into);
  case TAG_CASE:
    return read_constr_or_case(decoder, CAL_OP_CASE, into);
  default:
    return malformed(decoder, "an unknown term tag");
  }
}

static cal_status read_version(decoder *decoder) {
  uint64_t *version = decoder->script->version;
  for (int i = 0; i < 3; i++) {
    version[i] = cal_read_word(&decoder->reader);
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

static cal_status run_tasks(decoder *decoder) {
  const task *next = NULL;
  while ((next = cal_stack_pop(&decoder->tasks, sizeof *next)) != NULL) {
    const task now = *next;
    cal_status status = CAL_OK;
    switch (now.kind) {
    case READ_TERM:
      status = read_term(decoder, now.into);
      break;
    case READ_FIELDS:
      status = read_fields(decoder, now.into);
      break;
    case LEAVE_BINDER:
      (void)cal_stack_pop(&decoder->binders, sizeof(binder));
      break;
    case LEAVE_SCOPE:
      (void)cal_stack_pop(&decoder->scopes, sizeof(scope));
      break;
    }
    if (status != CAL_OK) {
      return status;
    }
  }
  return CAL_OK;
}

static cal_status read_program(decoder *decoder) {
  cal_status status = read_version(decoder);
  if (status == CAL_OK) {
    status = push_scope(decoder, NULL, 0);
  }
  if (status == CAL_OK) {
    status = schedule(decoder, READ_TERM, &decoder->script->root);
  }
  if (status == CAL_OK) {
    status = run_tasks(decoder);
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

cal_status cal_script_decode(const uint8_t *bytes, size_t length,
                             const cal_decode_options *options, cal_script **script,
                             cal_error *error) {
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
  cal_stack_init(&decoder.scopes, &decoded->arena);
  const cal_status status = read_program(&decoder);
  cal_stack_release(&decoder.tasks);
  cal_stack_release(&decoder.binders);
  cal_stack_release(&decoder.scopes);
  if (status != CAL_OK) {
    cal_script_free(decoded);
    return status;
  }
  *script = decoded;
  return CAL_OK;
}
