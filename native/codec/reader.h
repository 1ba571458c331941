/* Reading flat: a bit stream, most significant bit first. */
#ifndef CAL_READER_H
#define CAL_READER_H

#include "machine/arena.h"
#include "machine/status.h"
#include "machine/value.h"

/* Invariant: `position <= limit`. A read past the end sets `failed` and gives
 * zeros from then on, so that a caller may check once after several reads. */
typedef struct cal_reader {
  const uint8_t *bytes;
  size_t position; /* bits */
  size_t limit;    /* bits */
  bool failed;
} cal_reader;

static inline cal_reader cal_reader_of(const uint8_t *bytes, size_t length) {
  return (cal_reader){bytes, 0, length * 8, false};
}

/* The next `count` bits, 0 to 8, as a number, without consuming them; bits
 * beyond the end read as zero. */
static inline unsigned cal_peek_bits(const cal_reader *reader, unsigned count) {
  const size_t byte = reader->position >> 3;
  const size_t bytes = reader->limit >> 3;
  unsigned window = byte < bytes ? (unsigned)reader->bytes[byte] << 8 : 0;
  window |= byte + 1 < bytes ? (unsigned)reader->bytes[byte + 1] : 0;
  return (window >> (16 - (reader->position & 7) - count)) & ((1U << count) - 1U);
}

static inline unsigned cal_read_bits(cal_reader *reader, unsigned count) {
  if (CAL_UNLIKELY(reader->limit - reader->position < count)) {
    reader->failed = true;
    reader->position = reader->limit;
    return 0;
  }
  const unsigned bits = cal_peek_bits(reader, count);
  reader->position += count;
  return bits;
}

/* An unsigned number in 7-bit groups, least first. Fails above 2^64 - 1. */
uint64_t cal_read_word(cal_reader *reader);

/* A zigzag integer of any size. 0 on failure: see `failed`, else memory. */
cal_value cal_read_integer(cal_reader *reader, cal_arena *arena);

/* A byte string: padding to a byte boundary, then chunks of up to 255 bytes,
 * ended by an empty one. Out: *data in the arena. Returns 0, or -1 when memory
 * ran out; malformed input sets `failed`. */
int cal_read_bytes(cal_reader *reader, cal_arena *arena, const uint8_t **data, size_t *length);

/* Padding up to a byte boundary: zero bits ended by a one. */
void cal_read_padding(cal_reader *reader);

/* Whether bytes are UTF-8 as Unicode defines it: no surrogates, no overlong
 * forms. */
bool cal_is_utf8(const uint8_t *data, size_t length);

#endif
