#include <cbor/callbacks.h>
#include <cbor/streaming.h>
#include <string.h>

#include "codec/cbor.h"

enum { PIECE = 64 }; /* the ledger takes no longer piece of a byte string */

typedef enum token_kind {
  TOKEN_OTHER, /* text, floats, simple values: never part of Data */
  TOKEN_UINT,
  TOKEN_NINT,
  TOKEN_BYTES,
  TOKEN_BYTES_START,
  TOKEN_ARRAY,
  TOKEN_ARRAY_START,
  TOKEN_MAP,
  TOKEN_MAP_START,
  TOKEN_TAG,
  TOKEN_BREAK
} token_kind;

typedef struct token {
  token_kind kind;
  uint64_t number; /* the integer's argument, the length, or the tag */
  const uint8_t *bytes;
} token;

/* An open list or map. */
typedef struct level {
  bool map;
  bool indefinite;
  bool extended; /* the outer array of tag 102, closed with the list inside */
  bool extended_indefinite;
  uint64_t remaining; /* items or pairs, where definite */
  cal_data *data;     /* whose payload this is */
  void *link;         /* where the next cell goes: a payload or a cell's rest */
  cal_pair *pending;  /* a pair whose second half is still to come */
} level;

typedef struct reader {
  cal_arena *arena;
  cal_error *error;
  const uint8_t *bytes;
  size_t length;
  bool whole;
  size_t start; /* of the token */
  size_t at;    /* behind it */
  token token;
  cal_stack levels;
} reader;

#define NUMBER(name, type, token_kind)                     \
  static void name(void *context, type number) {           \
    *(token *)context = (token){token_kind, number, NULL}; \
  }
NUMBER(on_uint8, uint8_t, TOKEN_UINT)
NUMBER(on_uint16, uint16_t, TOKEN_UINT)
NUMBER(on_uint32, uint32_t, TOKEN_UINT)
NUMBER(on_uint64, uint64_t, TOKEN_UINT)
NUMBER(on_nint8, uint8_t, TOKEN_NINT)
NUMBER(on_nint16, uint16_t, TOKEN_NINT)
NUMBER(on_nint32, uint32_t, TOKEN_NINT)
NUMBER(on_nint64, uint64_t, TOKEN_NINT)
NUMBER(on_array, size_t, TOKEN_ARRAY)
NUMBER(on_map, size_t, TOKEN_MAP)
NUMBER(on_tag, uint64_t, TOKEN_TAG)
#undef NUMBER

#define SIGNAL(name, token_kind) \
  static void name(void *context) { *(token *)context = (token){token_kind, 0, NULL}; }
SIGNAL(on_bytes_start, TOKEN_BYTES_START)
SIGNAL(on_array_start, TOKEN_ARRAY_START)
SIGNAL(on_map_start, TOKEN_MAP_START)
SIGNAL(on_break, TOKEN_BREAK)
SIGNAL(on_other, TOKEN_OTHER)
#undef SIGNAL

static void on_bytes(void *context, cbor_data bytes, size_t length) {
  *(token *)context = (token){TOKEN_BYTES, length, bytes};
}

static void on_text(void *context, cbor_data bytes, size_t length) {
  (void)bytes;
  (void)length;
  on_other(context);
}

static void on_float(void *context, float number) {
  (void)number;
  on_other(context);
}

static void on_double(void *context, double number) {
  (void)number;
  on_other(context);
}

static void on_bool(void *context, bool truth) {
  (void)truth;
  on_other(context);
}

static const struct cbor_callbacks callbacks = {.uint8 = on_uint8,
                                                .uint16 = on_uint16,
                                                .uint32 = on_uint32,
                                                .uint64 = on_uint64,
                                                .negint8 = on_nint8,
                                                .negint16 = on_nint16,
                                                .negint32 = on_nint32,
                                                .negint64 = on_nint64,
                                                .byte_string_start = on_bytes_start,
                                                .byte_string = on_bytes,
                                                .string = on_text,
                                                .string_start = on_other,
                                                .indef_array_start = on_array_start,
                                                .array_start = on_array,
                                                .indef_map_start = on_map_start,
                                                .map_start = on_map,
                                                .tag = on_tag,
                                                .float2 = on_float,
                                                .float4 = on_float,
                                                .float8 = on_double,
                                                .undefined = on_other,
                                                .null = on_other,
                                                .boolean = on_bool,
                                                .indef_break = on_break};

static cal_status malformed(const reader *reader, const char *what) {
  if (reader->error != NULL) {
    reader->error->offset = reader->at;
  }
  return cal_fail(reader->error, CAL_MALFORMED, "CBOR of Data: %s at byte %zu", what, reader->at);
}

static cal_status exhausted(const reader *reader) {
  return cal_fail(reader->error, CAL_OUT_OF_MEMORY, "Data needs more memory than allowed");
}

static cal_status next_token(reader *reader) {
  reader->start = reader->at;
  const struct cbor_decoder_result result = cbor_stream_decode(
      reader->bytes + reader->at, reader->length - reader->at, &callbacks, &reader->token);
  if (result.status == CBOR_DECODER_NEDATA) {
    return malformed(reader, "the input ends too early");
  }
  if (result.status != CBOR_DECODER_FINISHED || reader->token.kind == TOKEN_OTHER) {
    return malformed(reader, "an item that is not Data");
  }
  reader->at += result.read;
  return CAL_OK;
}

/* Reads the pieces of an indefinite byte string into one. */
static cal_status read_pieces(reader *reader, const uint8_t **bytes, size_t *length) {
  const size_t start = reader->at;
  size_t total = 0;
  for (int pass = 0; pass < 2; pass++) {
    uint8_t *joined = pass == 0 ? NULL : cal_alloc(reader->arena, total);
    if (pass == 1 && joined == NULL) {
      return exhausted(reader);
    }
    *bytes = joined;
    *length = total;
    total = 0;
    reader->at = start;
    for (;;) {
      const cal_status status = next_token(reader);
      if (status != CAL_OK) {
        return status;
      }
      if (reader->token.kind == TOKEN_BREAK) {
        break;
      }
      if (reader->token.kind != TOKEN_BYTES || reader->token.number > PIECE) {
        return malformed(reader, "a piece of a byte string that is not at most 64 bytes");
      }
      if (joined != NULL) {
        memcpy(joined + total, reader->token.bytes, reader->token.number);
      }
      total += reader->token.number;
    }
  }
  return CAL_OK;
}

/* The byte string whose first token has just been read. */
static cal_status read_bytes(reader *reader, const uint8_t **bytes, size_t *length) {
  if (reader->token.kind == TOKEN_BYTES_START) {
    return read_pieces(reader, bytes, length);
  }
  if (reader->token.kind != TOKEN_BYTES || reader->token.number > PIECE) {
    return malformed(reader, "a byte string longer than 64 bytes in one piece");
  }
  *bytes = reader->token.bytes;
  *length = reader->token.number;
  return CAL_OK;
}

static cal_status finish(const reader *reader, cal_data_kind form, cal_value payload,
                         cal_value *value) {
  *value = payload == 0 ? 0 : cal_make_data(reader->arena, form, cal_from_small(0), payload);
  return *value == 0 ? exhausted(reader) : CAL_OK;
}

/* -1 - number, where negative; else number. */
static cal_value integer_of(const reader *reader, mp_limb_t *limbs, size_t count, bool negative) {
  if (negative) {
    limbs[count] = mpn_add_1(limbs, limbs, (mp_size_t)count, 1);
    count++;
  }
  return cal_make_integer(reader->arena, limbs, count, negative);
}

static cal_status read_big(reader *reader, bool negative, cal_value *value) {
  const uint8_t *bytes = NULL;
  size_t length = 0;
  cal_status status = next_token(reader);
  if (status == CAL_OK) {
    status = read_bytes(reader, &bytes, &length);
  }
  if (status != CAL_OK) {
    return status;
  }
  const size_t count = length / 8 + 1;
  mp_limb_t *limbs = cal_alloc_array(reader->arena, count + 1, sizeof *limbs);
  if (limbs == NULL) {
    return exhausted(reader);
  }
  memset(limbs, 0, (count + 1) * sizeof *limbs);
  for (size_t i = 0; i < length; i++) {
    limbs[i / 8] |= (mp_limb_t)bytes[length - 1 - i] << (i % 8 * 8);
  }
  return finish(reader, CAL_DATA_INTEGER, integer_of(reader, limbs, count, negative), value);
}

static cal_status open(reader *reader, const level *opened) {
  level *top = cal_stack_push(&reader->levels, sizeof *top);
  if (top == NULL) {
    return exhausted(reader);
  }
  *top = *opened;
  return CAL_OK;
}

/* Makes the list or map that starts here, its payload still open. */
static cal_status open_container(reader *reader, cal_data_kind form, cal_value tag, level opened,
                                 cal_value *value) {
  cal_data *data = cal_alloc(reader->arena, sizeof *data);
  if (data == NULL) {
    return exhausted(reader);
  }
  *data = (cal_data){{.kind = CAL_DATA, .form = (uint8_t)form}, tag, 0};
  *value = cal_from_object(data);
  opened.map = form == CAL_DATA_MAP;
  opened.indefinite =
      reader->token.kind == TOKEN_ARRAY_START || reader->token.kind == TOKEN_MAP_START;
  opened.remaining = reader->token.number;
  opened.data = data;
  opened.link = &data->payload;
  return open(reader, &opened);
}

static cal_status read_constr(reader *reader, uint64_t tag, cal_value *value) {
  level opened = {0};
  uint64_t number = tag >= 1280 ? tag - 1280 + 7 : tag - 121;
  cal_status status = next_token(reader);
  if (status == CAL_OK && tag == 102) {
    opened.extended = true;
    opened.extended_indefinite = reader->token.kind == TOKEN_ARRAY_START;
    if (!opened.extended_indefinite &&
        (reader->token.kind != TOKEN_ARRAY || reader->token.number != 2)) {
      return malformed(reader, "tag 102 without a list of two");
    }
    status = next_token(reader);
    if (status == CAL_OK && reader->token.kind != TOKEN_UINT) {
      return malformed(reader, "tag 102 without a constructor number");
    }
    number = reader->token.number;
    status = status == CAL_OK ? next_token(reader) : status;
  }
  if (status != CAL_OK) {
    return status;
  }
  if (reader->token.kind != TOKEN_ARRAY && reader->token.kind != TOKEN_ARRAY_START) {
    return malformed(reader, "a constructor without a list of fields");
  }
  const cal_value constructor = cal_make_size(reader->arena, number);
  if (constructor == 0) {
    return exhausted(reader);
  }
  return open_container(reader, CAL_DATA_CONSTR, constructor, opened, value);
}

/* Begins the item whose first token has been read. Out: *value; it is complete
 * unless a level was opened for it. */
static cal_status begin_item(reader *reader, cal_value *value) {
  const token token = reader->token;
  mp_limb_t limbs[2] = {token.number, 0};
  const uint8_t *bytes = NULL;
  size_t length = 0;
  cal_status status = CAL_OK;
  switch (token.kind) {
  case TOKEN_UINT:
  case TOKEN_NINT:
    return finish(reader, CAL_DATA_INTEGER, integer_of(reader, limbs, 1, token.kind == TOKEN_NINT),
                  value);
  case TOKEN_BYTES:
  case TOKEN_BYTES_START:
    status = read_bytes(reader, &bytes, &length);
    return status != CAL_OK
               ? status
               : finish(reader, CAL_DATA_BYTES,
                        cal_make_bytes(reader->arena, CAL_BYTES, bytes, length), value);
  case TOKEN_ARRAY:
  case TOKEN_ARRAY_START:
    return open_container(reader, CAL_DATA_LIST, cal_from_small(0), (level){0}, value);
  case TOKEN_MAP:
  case TOKEN_MAP_START:
    return open_container(reader, CAL_DATA_MAP, cal_from_small(0), (level){0}, value);
  case TOKEN_TAG:
    /* Bignums are known by their one byte alone, as to the ledger's library. */
    if ((token.number == 2 || token.number == 3) && reader->at == reader->start + 1) {
      return read_big(reader, token.number == 3, value);
    }
    if (token.number == 102 || (token.number >= 121 && token.number <= 127) ||
        (token.number >= 1280 && token.number <= 1400)) {
      return read_constr(reader, token.number, value);
    }
    return malformed(reader, "a tag that Data does not have");
  default:
    return malformed(reader, "a break out of place");
  }
}

/* A list is a value where it begins and a pointer in the cell before; both are
 * the address of the object. */
static void put_list(void *into, const cal_list *list) { memcpy(into, &list, sizeof list); }

/* Puts an item into the list or map on top. */
static cal_status deliver(const reader *reader, level *top, cal_value item) {
  if (top->pending != NULL) {
    top->pending->second = item;
    top->pending = NULL;
    return CAL_OK;
  }
  const cal_type *element = &cal_type_data;
  if (top->map) {
    element = &cal_type_pair_data;
    item = cal_make_pair(reader->arena, element, item, 0);
    top->pending = (cal_pair *)item;
  }
  cal_list *cell = item == 0 ? NULL : (cal_list *)cal_make_cell(reader->arena, element, item, NULL);
  if (cell == NULL) {
    return exhausted(reader);
  }
  put_list(top->link, cell);
  top->link = &cell->rest;
  if (!top->indefinite) {
    top->remaining--;
  }
  return CAL_OK;
}

/* Whether the level on top is complete. Leaves the next token read otherwise. */
static cal_status at_end(reader *reader, const level *top, bool *end) {
  *end = !top->indefinite && top->remaining == 0 && top->pending == NULL;
  if (*end) {
    return CAL_OK;
  }
  const cal_status status = next_token(reader);
  *end = status == CAL_OK && reader->token.kind == TOKEN_BREAK && top->indefinite &&
         top->pending == NULL;
  return status;
}

static cal_status close_level(reader *reader) {
  level closed;
  memcpy(&closed, cal_stack_pop(&reader->levels, sizeof closed), sizeof closed);
  const cal_value nil =
      cal_make_nil(reader->arena, closed.map ? &cal_type_pair_data : &cal_type_data);
  if (nil == 0) {
    return exhausted(reader);
  }
  put_list(closed.link, CAL_AS(cal_list, nil));
  cal_seal_list((cal_list *)closed.data->payload);
  closed.data->head.size =
      cal_data_size((cal_data_kind)closed.data->head.form, closed.data->payload);
  if (closed.extended_indefinite) {
    const cal_status status = next_token(reader);
    if (status != CAL_OK || reader->token.kind != TOKEN_BREAK) {
      return status != CAL_OK ? status : malformed(reader, "tag 102 with more than two items");
    }
  }
  return CAL_OK;
}

static cal_status read_data(reader *reader, cal_value *value) {
  cal_status status = next_token(reader);
  if (status == CAL_OK) {
    status = begin_item(reader, value);
  }
  while (status == CAL_OK && reader->levels.used > 0) {
    /* The level is named by its place: opening another may move the stack. */
    const size_t place = reader->levels.used - sizeof(level);
    bool end = false;
    status = at_end(reader, (level *)(void *)(reader->levels.base + place), &end);
    if (status != CAL_OK) {
      break;
    }
    if (end) {
      status = close_level(reader);
      continue;
    }
    cal_value item = 0;
    status = begin_item(reader, &item);
    if (status == CAL_OK) {
      status = deliver(reader, (level *)(void *)(reader->levels.base + place), item);
    }
  }
  if (status == CAL_OK && reader->whole && reader->at != reader->length) {
    return malformed(reader, "bytes after the end");
  }
  return status;
}

cal_status cal_data_from_cbor(cal_arena *arena, const uint8_t *bytes, size_t length, bool whole,
                              cal_value *value, cal_error *error) {
  reader reader = {
      .arena = arena, .error = error, .bytes = bytes, .length = length, .whole = whole};
  cal_stack_init(&reader.levels, arena);
  const cal_status status = read_data(&reader, value);
  cal_stack_release(&reader.levels);
  return status;
}
