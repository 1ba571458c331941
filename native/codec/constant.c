#include "codec/constant.h"

#include <string.h>

#include "builtins/groups.h"
#include "codec/assets.h"
#include "codec/cbor.h"
#include "codec/utf8.h"

/* One position in the tag sequence of a type, with the type that starts there
 * and where the types it is made of start. */
typedef struct part {
  cal_type type;
  size_t first;
  size_t second;
} part;

/* What is still to be read. `link` is where the rest of a list goes. */
typedef struct task {
  enum { READ_VALUE, READ_REST, SEAL_LIST, SEAL_PAIR, MAKE_ARRAY } what;
  size_t at; /* index of the part: of the value, or of the list's element */
  void *into;
} task;

typedef struct context {
  cal_reader *reader;
  cal_arena *arena;
  cal_error *error;
  const cal_decode_options *options;
  part *parts;
  cal_stack tasks;
} context;

static cal_status malformed(const context *context, const char *what) {
  if (context->error != NULL) {
    context->error->offset = context->reader->position / 8;
  }
  return cal_fail(context->error, CAL_MALFORMED, "%s at byte %zu", what,
                  context->reader->position / 8);
}

static cal_status exhausted(const context *context) {
  return cal_fail(context->error, CAL_OUT_OF_MEMORY, "a constant needs more memory than allowed");
}

/* Reads the tags into the arena. Out: their number. */
static cal_status read_tags(context *context, uint8_t **tags, size_t *count) {
  cal_reader scan = *context->reader;
  size_t length = 0;
  while (cal_read_bits(&scan, 1) == 1) {
    (void)cal_read_bits(&scan, 4);
    length++;
  }
  if (scan.failed || length == 0) {
    return malformed(context, "a constant without a type");
  }
  /* A type has a tag for each of its nodes. */
  if (length > context->options->max_type_size) {
    return malformed(context, "a constant of a larger type than this protocol version allows");
  }
  *tags = cal_alloc(context->arena, length);
  if (*tags == NULL) {
    return exhausted(context);
  }
  for (size_t i = 0; i < length; i++) {
    (void)cal_read_bits(context->reader, 1);
    (*tags)[i] = (uint8_t)cal_read_bits(context->reader, 4);
  }
  (void)cal_read_bits(context->reader, 1);
  *count = length;
  return CAL_OK;
}

/* Finds the sub-types, from the last tag to the first: each tag consumes the
 * types that begin right of it. `starts` is a stack of where those begin. */
static cal_status read_type(context *context) {
  uint8_t *tags = NULL;
  size_t count = 0;
  const cal_status status = read_tags(context, &tags, &count);
  if (status != CAL_OK) {
    return status;
  }
  context->parts = cal_alloc_array(context->arena, count, sizeof(part));
  size_t *starts = cal_alloc_array(context->arena, count, sizeof *starts);
  if (context->parts == NULL || starts == NULL) {
    return exhausted(context);
  }
  size_t depth = 0;
  /* The bare LIST, ARRAY and PAIR are of a higher kind; they only follow APPLY. */
  for (size_t i = count; i-- > 0;) {
    part *here = &context->parts[i];
    *here = (part){{0, tags + i}, 0, 0};
    if (tags[i] == CAL_TYPE_LIST || tags[i] == CAL_TYPE_PAIR || tags[i] == CAL_TYPE_ARRAY) {
      continue;
    }
    if (tags[i] != CAL_TYPE_APPLY) {
      if (tags[i] > CAL_TYPE_VALUE) {
        return malformed(context, "an unknown type tag");
      }
      here->type.length = 1;
      starts[depth++] = i;
      continue;
    }
    const bool pair =
        i + 2 < count && tags[i + 1] == CAL_TYPE_APPLY && tags[i + 2] == CAL_TYPE_PAIR;
    if (pair ||
        (i + 1 < count && (tags[i + 1] == CAL_TYPE_LIST || tags[i + 1] == CAL_TYPE_ARRAY))) {
      const size_t first = pair ? i + 3 : i + 2;
      if (depth < (pair ? 2U : 1U) || starts[depth - 1] != first) {
        return malformed(context, "an ill-formed type");
      }
      here->first = starts[--depth];
      here->second = pair ? starts[--depth] : 0;
      if (pair && here->second != first + context->parts[first].type.length) {
        return malformed(context, "an ill-formed type");
      }
      const part *last = &context->parts[pair ? here->second : here->first];
      here->type.length = (size_t)(last->type.tags + last->type.length - here->type.tags);
      starts[depth++] = i;
    } else if (!(i > 0 && i + 1 < count && tags[i - 1] == CAL_TYPE_APPLY &&
                 tags[i + 1] == CAL_TYPE_PAIR)) {
      return malformed(context, "an ill-formed type");
    }
  }
  if (depth != 1 || starts[0] != 0 || context->parts[0].type.length != count) {
    return malformed(context, "an ill-formed type");
  }
  return CAL_OK;
}

static cal_status push(context *context, int what, size_t at, void *into) {
  task *next = cal_stack_push(&context->tasks, sizeof *next);
  if (next == NULL) {
    return exhausted(context);
  }
  next->what = what;
  next->at = at;
  next->into = into;
  return CAL_OK;
}

static cal_status read_bytes_like(context *context, uint8_t tag, cal_value *into) {
  const uint8_t *data = NULL;
  size_t length = 0;
  if (cal_read_bytes(context->reader, context->arena, &data, &length) != 0) {
    return exhausted(context);
  }
  if (context->reader->failed) {
    return malformed(context, "a byte string that does not end");
  }
  if (tag == CAL_TYPE_DATA) {
    /* The node ignores what follows the item, as its library does. */
    return cal_data_from_cbor(context->arena, data, length, false, into, context->error);
  }
  if (tag == CAL_TYPE_G1 || tag == CAL_TYPE_G2) {
    return cal_group_from_bytes(context->arena, tag == CAL_TYPE_G1 ? CAL_G1 : CAL_G2, data, length,
                                into, context->error);
  }
  if (tag == CAL_TYPE_STRING && !cal_is_utf8(data, length)) {
    return malformed(context, "a string that is not UTF-8");
  }
  *into =
      cal_make_bytes(context->arena, tag == CAL_TYPE_STRING ? CAL_TEXT : CAL_BYTES, data, length);
  return *into == 0 ? exhausted(context) : CAL_OK;
}

static cal_status read_pair(context *context, size_t at, cal_value *into) {
  const part *here = &context->parts[at];
  cal_pair *pair = cal_alloc(context->arena, sizeof *pair);
  if (pair == NULL) {
    return exhausted(context);
  }
  *pair = (cal_pair){{.kind = CAL_PAIR}, &here->type, 0, 0};
  *into = cal_from_object(pair);
  cal_status status = CAL_OK;
  if (cal_type_equal(&here->type, &cal_type_pair_data)) {
    /* It may become part of Data, whose size it then adds to. */
    status = push(context, SEAL_PAIR, at, pair);
  }
  if (status == CAL_OK) {
    status = push(context, READ_VALUE, here->second, &pair->second);
  }
  return status != CAL_OK ? status : push(context, READ_VALUE, here->first, &pair->first);
}

/* A list: its sizes are set when all of it has been read, if it is of Data. */
static cal_status read_list(context *context, size_t element, cal_value *into) {
  const cal_type *type = &context->parts[element].type;
  if (cal_type_equal(type, &cal_type_data) || cal_type_equal(type, &cal_type_pair_data)) {
    const cal_status status = push(context, SEAL_LIST, element, into);
    if (status != CAL_OK) {
      return status;
    }
  }
  return push(context, READ_REST, element, into);
}

/* An array comes as a list, and becomes one when all of it has been read. */
static cal_status read_array(context *context, size_t element, cal_value *into) {
  const cal_status status = push(context, MAKE_ARRAY, element, into);
  return status != CAL_OK ? status : push(context, READ_REST, element, into);
}

static cal_status make_array(context *context, cal_value *into) {
  *into = cal_make_array(context->arena, CAL_AS(cal_list, *into));
  return *into == 0 ? exhausted(context) : CAL_OK;
}

/* A value of a type that is one tag. */
static cal_status read_simple(context *context, uint8_t tag, cal_value *into) {
  switch (tag) {
  case CAL_TYPE_INTEGER:
    *into = cal_read_integer(context->reader, context->arena);
    if (*into == 0) {
      return context->reader->failed ? malformed(context, "an integer that does not end")
                                     : exhausted(context);
    }
    return CAL_OK;
  case CAL_TYPE_UNIT:
    *into = cal_from_object(&cal_unit_object);
    return CAL_OK;
  case CAL_TYPE_BOOL:
    *into = cal_from_bool(cal_read_bits(context->reader, 1) == 1);
    return context->reader->failed ? malformed(context, "a missing boolean") : CAL_OK;
  case CAL_TYPE_G1:
  case CAL_TYPE_G2:
    if (context->options->group_elements == 0) {
      return malformed(context, "a BLS12-381 group element, which flat cannot carry,");
    }
    return read_bytes_like(context, tag, into);
  case CAL_TYPE_BYTESTRING:
  case CAL_TYPE_STRING:
  case CAL_TYPE_DATA:
    return read_bytes_like(context, tag, into);
  case CAL_TYPE_VALUE:
    return cal_read_assets(context->reader, context->arena, into, context->error);
  case CAL_TYPE_ML_RESULT:
    return malformed(context, "a pairing result, of which there are no constants,");
  default:
    return malformed(context, "an ill-formed type");
  }
}

static cal_status read_value(context *context, size_t at, cal_value *into) {
  const part *here = &context->parts[at];
  const uint8_t *tags = here->type.tags;
  if (tags[0] != CAL_TYPE_APPLY) {
    return read_simple(context, tags[0], into);
  }
  if (here->second != 0) {
    return read_pair(context, at, into);
  }
  return tags[1] == CAL_TYPE_LIST ? read_list(context, here->first, into)
                                  : read_array(context, here->first, into);
}

/* One step along a list: its next cell, or its end. */
static cal_status read_rest(context *context, size_t element, void *into) {
  const uint64_t more = cal_read_bits(context->reader, 1);
  if (context->reader->failed) {
    return malformed(context, "a list that does not end");
  }
  const cal_type *type = &context->parts[element].type;
  const cal_value list =
      more == 1 ? cal_make_cell(context->arena, type, 0, NULL) : cal_make_nil(context->arena, type);
  if (list == 0) {
    return exhausted(context);
  }
  /* A list is a value where it begins and a pointer in the cell before; both
   * are the address of the object. */
  memcpy(into, &list, sizeof list);
  if (more == 0) {
    return CAL_OK;
  }
  cal_list *cell = (cal_list *)list;
  const cal_status status = push(context, READ_REST, element, &cell->rest);
  return status != CAL_OK ? status : push(context, READ_VALUE, element, &cell->first);
}

static cal_status read_all(context *context, cal_value *value) {
  cal_status status = read_type(context);
  if (status == CAL_OK) {
    status = push(context, READ_VALUE, 0, value);
  }
  const task *next = NULL;
  while (status == CAL_OK && (next = cal_stack_pop(&context->tasks, sizeof *next)) != NULL) {
    const task now = *next;
    if (now.what == READ_VALUE) {
      status = read_value(context, now.at, now.into);
    } else if (now.what == READ_REST) {
      status = read_rest(context, now.at, now.into);
    } else if (now.what == SEAL_LIST) {
      cal_seal_list((cal_list *)*(cal_value *)now.into);
    } else if (now.what == SEAL_PAIR) {
      cal_seal_pair(now.into);
    } else {
      status = make_array(context, now.into);
    }
  }
  return status;
}

cal_status cal_read_constant(cal_reader *reader, cal_arena *arena,
                             const cal_decode_options *options, cal_value *value,
                             cal_error *error) {
  context context = {.reader = reader, .arena = arena, .error = error, .options = options};
  /* Most types are one tag: "a tag follows", four bits, "none follows". */
  const uint64_t window = cal_window(reader) >> 58;
  if ((window & 0x21) == 0x20 && reader->limit - reader->position >= 6) {
    reader->position += 6;
    return read_simple(&context, (uint8_t)(window >> 1 & 0xf), value);
  }
  cal_stack_init(&context.tasks, arena);
  const cal_status status = read_all(&context, value);
  cal_stack_release(&context.tasks);
  return status;
}
