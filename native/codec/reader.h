/* Reading flat: a bit stream, most significant bit first. */
#ifndef CAL_READER_H
#define CAL_READER_H

#include <string.h>

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

static inline uint64_t cal_from_big_endian(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return __builtin_bswap64(word);
#else
  return word;
#endif
}

static inline cal_reader cal_reader_of(const uint8_t *bytes, size_t length) {
  return (cal_reader){bytes, 0, length * 8, false};
}

/* At least 57 bits from here on, the first of them highest; bits beyond the end
 * read as zero. */
static inline uint64_t cal_window(const cal_reader *reader) {
  const size_t byte = reader->position >> 3;
  const size_t left = (reader->limit >> 3) - byte;
  uint64_t window = 0;
  if (CAL_LIKELY(left >= 8)) {
    memcpy(&window, reader->bytes + byte, 8);
    window = cal_from_big_endian(window);
  } else {
    for (size_t i = 0; i < left; i++) {
      window |= (uint64_t)reader->bytes[byte + i] << (56 - 8 * i);
    }
  }
  return window << (reader->position & 7);
}

/* Consumes `count` bits that a window showed, or fails where there are fewer. */
static inline bool cal_skip_bits(cal_reader *reader, unsigned count) {
  if (CAL_UNLIKELY(reader->limit - reader->position < count)) {
    reader->failed = true;
    reader->position = reader->limit;
    return false;
  }
  reader->position += count;
  return true;
}

/* The next `count` bits, 1 to 57, as a number. */
static inline uint64_t cal_read_bits(cal_reader *reader, unsigned count) {
  const uint64_t window = cal_window(reader);
  return cal_skip_bits(reader, count) ? window >> (64 - count) : 0;
}

/* An unsigned number in 7-bit groups, least first. Fails above 2^64 - 1. */
uint64_t cal_read_word(cal_reader *reader);

/* A zigzag integer of any size. 0 on failure: see `failed`, else memory. */
cal_value cal_read_integer(cal_reader *reader, cal_arena *arena);

/* A byte string: padding to a byte boundary, then chunks of up to 255 bytes,
 * ended by an empty one. Out: *data in the arena. Returns 0, or -1 when memory
 * ran out; malformed input sets `failed`. */
int cal_read_bytes(cal_reader *reader, cal_arena *arena, const uint8_t **data, size_t *length);

/* A number as above without bound, which may begin with any number of empty
 * groups; what does not fit is UINT64_MAX. */
uint64_t cal_read_natural(cal_reader *reader);

/* Padding up to a byte boundary: zero bits ended by a one. The specification
 * knows at most a byte of it; the node reads any number, and so does this. */
void cal_read_padding(cal_reader *reader);

#endif
