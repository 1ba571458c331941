/* What the files that decode flat programs share. Internal to native/codec. */
#ifndef CAL_FLAT_DECODER_H
#define CAL_FLAT_DECODER_H

#include "builtins/table.h"
#include "codec/flat_tags.h"
#include "codec/reader.h"
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

typedef struct decoder {
  cal_reader reader;
  cal_script *script;
  const cal_decode_options *options;
  cal_error *error;
  scope scope;
  cal_stack tasks;
  cal_stack binders;
} decoder;

cal_status cal_flat_malformed(const decoder *decoder, const char *what);
cal_status cal_flat_exhausted(const decoder *decoder);

/* Reads a builtin's own tag and the rest of its saturated call, of which the
 * next `skip` bits are applications and forces. Out: *first, where its first
 * argument is to be read. */
cal_status cal_flat_read_call(decoder *decoder, unsigned skip, cal_part *into, cal_part **first);

/* A builtin that is not called at once, or an error. */
cal_status cal_flat_read_bare(decoder *decoder, unsigned tag, cal_part *into);

/* A constructor or a case without its fields or branches. Out: *next, where to
 * read on; NULL where the list of fields comes first. */
cal_status cal_flat_read_constr_or_case(decoder *decoder, unsigned tag, cal_part *into,
                                        cal_part **next);

/* Goes on with such a list, the `place` of a READ_FIELDS. Out: *next, where to
 * read a field; NULL after the last. */
cal_status cal_flat_read_fields(decoder *decoder, void *place, cal_part **next);

static inline bool schedule(decoder *decoder, task_kind kind, void *place) {
  task *next = cal_stack_push(&decoder->tasks, sizeof *next);
  if (CAL_UNLIKELY(next == NULL)) {
    return false;
  }
  *next = (task){kind, 0, place};
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

#endif
