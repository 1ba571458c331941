#include <cbor/encoding.h>
#include <string.h>

#include "codec/cbor.h"

enum { PIECE = 64, LONGEST_HEAD = 9 };

/* What is still to be written. */
typedef struct task {
  enum { WRITE_DATA, WRITE_REST, WRITE_BREAK } what;
  cal_value value;
} task;

typedef struct writer {
  cal_stack out;
  cal_stack tasks;
  bool failed;
  bool unreadable; /* a constructor that no reader takes has been written */
} writer;

static void put(writer *writer, const uint8_t *bytes, size_t length) {
  if (writer->failed || length == 0) {
    return;
  }
  uint8_t *room = cal_stack_push(&writer->out, length);
  if (room == NULL) {
    writer->failed = true;
    return;
  }
  memcpy(room, bytes, length);
}

#define PUT_HEAD(writer, encode, number)                           \
  do {                                                             \
    unsigned char head_[LONGEST_HEAD];                             \
    put((writer), head_, (encode)((number), head_, sizeof head_)); \
  } while (0)

#define PUT_SIGN(writer, encode)                         \
  do {                                                   \
    unsigned char head_[LONGEST_HEAD];                   \
    put((writer), head_, (encode)(head_, sizeof head_)); \
  } while (0)

static void later(writer *writer, int what, cal_value value) {
  task *next = cal_stack_push(&writer->tasks, sizeof *next);
  if (next == NULL) {
    writer->failed = true;
    return;
  }
  next->what = what;
  next->value = value;
}

static void write_bytes(writer *writer, const uint8_t *bytes, size_t length) {
  if (length <= PIECE) {
    PUT_HEAD(writer, cbor_encode_bytestring_start, length);
    put(writer, bytes, length);
    return;
  }
  PUT_SIGN(writer, cbor_encode_indef_bytestring_start);
  for (size_t at = 0; at < length; at += PIECE) {
    const size_t piece = length - at < PIECE ? length - at : PIECE;
    PUT_HEAD(writer, cbor_encode_bytestring_start, piece);
    put(writer, bytes + at, piece);
  }
  PUT_SIGN(writer, cbor_encode_break);
}

/* An integer beyond 64 bits: its magnitude, less one if negative, as bytes, in
 * one piece where it is to be `whole`. */
static void write_big(writer *writer, const cal_limbs *number, bool whole) {
  cal_stack room;
  cal_stack_init(&room, writer->out.arena);
  mp_limb_t *limbs = cal_stack_push(&room, number->count * 2 * sizeof(mp_limb_t));
  if (limbs == NULL) {
    writer->failed = true;
    return;
  }
  memcpy(limbs, number->limbs, number->count * sizeof(mp_limb_t));
  if (number->negative) {
    (void)mpn_sub_1(limbs, limbs, (mp_size_t)number->count, 1);
  }
  uint8_t *bytes = (uint8_t *)(limbs + number->count);
  size_t length = 0;
  for (size_t at = number->count * 8; at-- > 0;) {
    const uint8_t byte = (uint8_t)(limbs[at / 8] >> (at % 8 * 8));
    if (byte != 0 || length != 0) {
      bytes[length++] = byte;
    }
  }
  PUT_HEAD(writer, cbor_encode_tag, number->negative ? 3 : 2);
  if (whole) {
    PUT_HEAD(writer, cbor_encode_bytestring_start, length);
    put(writer, bytes, length);
  } else {
    write_bytes(writer, bytes, length);
  }
  cal_stack_release(&room);
}

static void write_integer(writer *writer, cal_value integer, bool whole) {
  mp_limb_t spare = 0;
  const cal_limbs number = cal_limbs_of(integer, &spare);
  const mp_limb_t magnitude = number.count == 0 ? 0 : number.limbs[0];
  if (number.count <= 1 && !number.negative) {
    PUT_HEAD(writer, cbor_encode_uint, magnitude);
  } else if (number.count <= 1) {
    PUT_HEAD(writer, cbor_encode_negint, magnitude - 1);
  } else if (number.count == 2 && number.negative && number.limbs[0] == 0 && number.limbs[1] == 1) {
    PUT_HEAD(writer, cbor_encode_negint, UINT64_MAX); /* -2^64 */
  } else {
    write_big(writer, &number, whole);
  }
}

/* An empty list has a length, any other an end. */
static void write_list(writer *writer, cal_value list) {
  if (CAL_AS(cal_list, list)->head.form == 0) {
    PUT_HEAD(writer, cbor_encode_array_start, 0);
    return;
  }
  PUT_SIGN(writer, cbor_encode_indef_array_start);
  later(writer, WRITE_BREAK, 0);
  later(writer, WRITE_REST, list);
}

static void write_map(writer *writer, cal_value list) {
  size_t length = 0;
  for (const cal_list *cell = CAL_AS(cal_list, list); cell->head.form != 0; cell = cell->rest) {
    length++;
  }
  PUT_HEAD(writer, cbor_encode_map_start, length);
  later(writer, WRITE_REST, list);
}

static void write_constr(writer *writer, const cal_data *data) {
  const int64_t tag = cal_is_small(data->tag) ? cal_small(data->tag) : -1;
  if (tag >= 0 && tag < 7) {
    PUT_HEAD(writer, cbor_encode_tag, (uint64_t)tag + 121);
  } else if (tag >= 7 && tag < 128) {
    PUT_HEAD(writer, cbor_encode_tag, (uint64_t)tag - 7 + 1280);
  } else {
    PUT_HEAD(writer, cbor_encode_tag, 102);
    PUT_HEAD(writer, cbor_encode_array_start, 2);
    /* The ledger writes a big one without the pieces that other integers have. */
    write_integer(writer, data->tag, true);
    writer->unreadable |= cal_is_negative(data->tag) || !cal_fits_bits(data->tag, 65);
  }
  write_list(writer, data->payload);
}

static void write_data(writer *writer, const cal_data *data) {
  switch ((cal_data_kind)data->head.form) {
  case CAL_DATA_CONSTR:
    write_constr(writer, data);
    break;
  case CAL_DATA_MAP:
    write_map(writer, data->payload);
    break;
  case CAL_DATA_LIST:
    write_list(writer, data->payload);
    break;
  case CAL_DATA_INTEGER:
    write_integer(writer, data->payload, false);
    break;
  case CAL_DATA_BYTES:
    write_bytes(writer, CAL_AS(cal_bytes, data->payload)->data,
                CAL_AS(cal_bytes, data->payload)->length);
    break;
  }
}

static void write_rest(writer *writer, const cal_list *cell) {
  if (cell->head.form == 0) {
    return;
  }
  later(writer, WRITE_REST, cal_from_object(cell->rest));
  if (cal_kind_of(cell->first) == CAL_PAIR) {
    later(writer, WRITE_DATA, CAL_AS(cal_pair, cell->first)->second);
    later(writer, WRITE_DATA, CAL_AS(cal_pair, cell->first)->first);
  } else {
    later(writer, WRITE_DATA, cell->first);
  }
}

cal_status cal_data_to_cbor(cal_arena *arena, cal_value data, size_t most, const uint8_t **bytes,
                            size_t *length, bool *readable, cal_error *error) {
  writer writer = {.failed = false};
  cal_stack_init(&writer.out, arena);
  cal_stack_init(&writer.tasks, arena);
  later(&writer, WRITE_DATA, data);
  const task *next = NULL;
  while (!writer.failed && (next = cal_stack_pop(&writer.tasks, sizeof *next)) != NULL) {
    const task now = *next;
    writer.failed = writer.out.used > most;
    if (now.what == WRITE_DATA) {
      write_data(&writer, CAL_AS(cal_data, now.value));
    } else if (now.what == WRITE_REST) {
      write_rest(&writer, CAL_AS(cal_list, now.value));
    } else {
      PUT_SIGN(&writer, cbor_encode_break);
    }
  }
  *readable = !writer.unreadable;
  uint8_t *copy =
      writer.failed || writer.out.used > most ? NULL : cal_alloc(arena, writer.out.used);
  if (copy != NULL) {
    memcpy(copy, writer.out.base, writer.out.used);
    *length = writer.out.used;
    *bytes = copy;
  }
  cal_stack_release(&writer.out);
  cal_stack_release(&writer.tasks);
  return copy != NULL ? CAL_OK
                      : cal_fail(error, CAL_OUT_OF_MEMORY,
                                 "Data written out needs more memory than allowed");
}
