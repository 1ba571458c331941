/* Constructors and cases: lists of terms whose length is known at their end. */
#include "codec/flat_decoder.h"

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

cal_status cal_flat_read_constr_or_case(decoder *decoder, unsigned tag, cal_part *into,
                                        cal_part **next) {
  const uint64_t *version = decoder->script->version;
  if (version[0] == 1 && version[1] == 0) {
    return cal_flat_malformed(decoder,
                              "constr and case need UPLC 1.1.0, but the program says 1.0.0:");
  }
  fields *fields = cal_alloc(&decoder->script->arena, sizeof *fields);
  if (fields == NULL || !schedule(decoder, READ_FIELDS, fields)) {
    return cal_flat_exhausted(decoder);
  }
  *fields = (struct fields){.into = into, .op = tag == TAG_CASE ? CAL_OP_CASE : CAL_OP_CONSTR};
  fields->last = &fields->first;
  *next = NULL;
  if (tag == TAG_CASE) {
    *next = &fields->head;
    return CAL_OK;
  }
  fields->head = cal_read_word(&decoder->reader);
  return decoder->reader.failed ? cal_flat_malformed(decoder, "a constructor tag beyond 64 bits")
                                : CAL_OK;
}

static cal_status finish_fields(decoder *decoder, const fields *fields) {
  if (fields->count > UINT32_MAX) {
    return cal_flat_malformed(decoder, "too many fields");
  }
  cal_node *node = new_node(decoder, fields->op, fields->count + 1);
  if (node == NULL) {
    return cal_flat_exhausted(decoder);
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

cal_status cal_flat_read_fields(decoder *decoder, void *place, cal_part **next) {
  fields *fields = place;
  const uint64_t more = cal_read_bits(&decoder->reader, 1);
  *next = NULL;
  if (decoder->reader.failed) {
    return cal_flat_malformed(decoder, "a list of terms that does not end");
  }
  if (more == 0) {
    return finish_fields(decoder, fields);
  }
  field *made = cal_alloc(&decoder->script->arena, sizeof *made);
  if (made == NULL || !schedule(decoder, READ_FIELDS, fields)) {
    return cal_flat_exhausted(decoder);
  }
  if (fields->op == CAL_OP_CONSTR && fields->count >= decoder->options->max_fields) {
    return cal_flat_malformed(decoder,
                              "a constructor with more fields than this protocol version allows");
  }
  *made = (field){0, NULL};
  *fields->last = made;
  fields->last = &made->next;
  fields->count++;
  *next = &made->part;
  return CAL_OK;
}
