/* Flat programs, decoded straight into the form that the machine runs.
 *
 * One loop reads a term, goes on with its first subterm, and leaves a task for
 * each of the others; a leaf takes up the task left last.
 */
#include "codec/constant.h"
#include "codec/flat_decoder.h"
#include "machine/frame.h"

cal_status cal_flat_malformed(const decoder *decoder, const char *what) {
  const size_t byte = decoder->reader.position / 8;
  if (decoder->error != NULL) {
    decoder->error->offset = byte;
  }
  return cal_fail(decoder->error, CAL_MALFORMED, "flat: %s at byte %zu", what, byte);
}

cal_status cal_flat_exhausted(const decoder *decoder) {
  return cal_fail(decoder->error, CAL_OUT_OF_MEMORY,
                  "the script needs more than the allowed %zu bytes in memory",
                  decoder->options->memory_cap);
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

/* `window` shows what follows the tag: nearly always an index of one group. */
static inline cal_status read_variable(decoder *decoder, uint64_t window, cal_part *into) {
  const bool short_index = window >> 63 == 0 && cal_skip_bits(&decoder->reader, 8);
  const uint64_t index = short_index ? window >> 56 : cal_read_word(&decoder->reader);
  const size_t depth = decoder->binders.used / sizeof(binder);
  if (CAL_UNLIKELY(decoder->reader.failed)) {
    return cal_flat_malformed(decoder, "a variable that does not end");
  }
  if (CAL_UNLIKELY(index == 0 || index > depth)) {
    return cal_flat_malformed(decoder, "a free variable");
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
    return cal_flat_exhausted(decoder);
  }
  open_frame(node, inside.level);
  *into = (cal_part)node;
  *body = &node->parts[0];
  return CAL_OK;
}

/* `[(lam x body) arg]`, whose two tags have been read. */
static cal_status read_let(decoder *decoder, cal_part *into, cal_part **body) {
  cal_node *owner = decoder->scope.owner;
  const bool fits =
      owner != NULL && owner->number < CAL_FRAME_SLOTS && !decoder->options->own_frames;
  cal_node *node = new_node(decoder, fits ? CAL_OP_LET : CAL_OP_LET_FRAME, 2);
  if (CAL_UNLIKELY(node == NULL || !schedule(decoder, READ_TERM, &node->parts[1]))) {
    return cal_flat_exhausted(decoder);
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
    return cal_flat_exhausted(decoder);
  }
  *into = (cal_part)node;
  *body = &node->parts[0];
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

static cal_status read_apply(decoder *decoder, cal_part *into, cal_part **next) {
  unsigned skip = 0;
  if (at_saturated_call(decoder, &skip)) {
    return cal_flat_read_call(decoder, skip, into, next);
  }
  if (cal_window(&decoder->reader) >> (64 - TAG_BITS) == TAG_LAMBDA &&
      cal_skip_bits(&decoder->reader, TAG_BITS)) {
    decoder->script->nodes++;
    return read_let(decoder, into, next);
  }
  cal_node *node = new_node(decoder, CAL_OP_APPLY, 2);
  if (CAL_UNLIKELY(node == NULL || !schedule(decoder, READ_TERM, &node->parts[1]))) {
    return cal_flat_exhausted(decoder);
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
    return cal_flat_exhausted(decoder);
  }
  *into = (cal_part)node;
  *body = &node->parts[0];
  return CAL_OK;
}

static cal_status read_constant(decoder *decoder, cal_part *into) {
  cal_value *value = cal_alloc(&decoder->script->arena, sizeof *value);
  if (CAL_UNLIKELY(value == NULL)) {
    return cal_flat_exhausted(decoder);
  }
  *into = cal_part_constant(value);
  return cal_read_constant(&decoder->reader, &decoder->script->arena, decoder->options, value,
                           decoder->error);
}

/* Reads one term without its subterms. Out: *next, the first of them to read;
 * NULL where there is none. */
static inline cal_status read_term(decoder *decoder, cal_part *into, cal_part **next) {
  const uint64_t window = cal_window(&decoder->reader);
  const unsigned tag = (unsigned)(window >> (64 - TAG_BITS));
  if (CAL_UNLIKELY(!cal_skip_bits(&decoder->reader, TAG_BITS))) {
    return cal_flat_malformed(decoder, "the program ends too early");
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
    return cal_flat_read_bare(decoder, tag, into);
  case TAG_CONSTR:
  case TAG_CASE:
    return cal_flat_read_constr_or_case(decoder, tag, into, next);
  default:
    return cal_flat_malformed(decoder, "an unknown term tag");
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
      const cal_status status = cal_flat_read_fields(decoder, top->place, next);
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
    return cal_flat_malformed(decoder, "the version does not end");
  }
  if (version[0] != 1 || version[1] > 1 || version[2] != 0) {
    return cal_flat_malformed(decoder, "a program version that is neither 1.0.0 nor 1.1.0");
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
    return cal_flat_malformed(decoder, "wrong padding behind the program");
  }
  if (decoder->reader.position != decoder->reader.limit) {
    return cal_flat_malformed(decoder, "bytes behind the program");
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
