/* Writing flat: a bit stream into a buffer that grows up to a limit. */
#ifndef CAL_WRITER_H
#define CAL_WRITER_H

#include "machine/arena.h"
#include "machine/value.h"

/* Once a write does not fit, `failed` is set and later writes do nothing, so
 * that a caller may check once at the end. */
typedef struct cal_writer {
  cal_stack buffer; /* whole bytes */
  size_t most;      /* bytes; what is longer fails */
  unsigned pending; /* bits of the byte begun, in its high end */
  unsigned count;   /* their number, 0 to 7 */
  bool failed;
} cal_writer;

/* The buffer counts towards the cap of `arena`. */
void cal_writer_init(cal_writer *writer, cal_arena *arena, size_t most);
void cal_writer_release(cal_writer *writer);

/* The low `count` bits of `bits`, 0 to 8. */
void cal_write_bits(cal_writer *writer, unsigned bits, unsigned count);

/* An unsigned number in 7-bit groups, least first. */
void cal_write_word(cal_writer *writer, uint64_t word);

/* A zigzag integer of any size. */
void cal_write_integer(cal_writer *writer, cal_value integer);

/* Padding to the byte boundary: zero bits and a one. */
void cal_write_padding(cal_writer *writer);

/* Padding, then the bytes in chunks of 255. */
void cal_write_bytes(cal_writer *writer, const uint8_t *data, size_t length);

#endif
