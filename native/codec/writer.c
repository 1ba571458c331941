#include "codec/writer.h"

#include <string.h>

void cal_writer_init(cal_writer *writer, cal_arena *arena, size_t most) {
  memset(writer, 0, sizeof *writer);
  writer->most = most;
  cal_stack_init(&writer->buffer, arena);
}

void cal_writer_release(cal_writer *writer) { cal_stack_release(&writer->buffer); }

static void put(cal_writer *writer, const uint8_t *bytes, size_t length) {
  if (writer->failed || length == 0) {
    return;
  }
  const bool fits = length <= writer->most && writer->buffer.used <= writer->most - length;
  uint8_t *room = fits ? cal_stack_push(&writer->buffer, length) : NULL;
  if (room == NULL) {
    writer->failed = true;
    return;
  }
  memcpy(room, bytes, length);
}

void cal_write_bits(cal_writer *writer, unsigned bits, unsigned count) {
  const unsigned total = writer->count + count;
  const unsigned window = (writer->pending << 8) | ((bits & ((1U << count) - 1U)) << (16 - total));
  if (total < 8) {
    writer->pending = window >> 8;
    writer->count = total;
    return;
  }
  const uint8_t byte = (uint8_t)(window >> 8);
  put(writer, &byte, 1);
  writer->pending = window & 0xffU;
  writer->count = total - 8;
}

void cal_write_word(cal_writer *writer, uint64_t word) {
  while (word > 0x7f) {
    cal_write_bits(writer, (unsigned)(word & 0x7f) | 0x80U, 8);
    word >>= 7;
  }
  cal_write_bits(writer, (unsigned)word, 8);
}

/* Bit `at` and the six above it of the zigzag form, 2·n or 2·|n| − 1, where
 * `limbs` holds n or |n| − 1. */
static unsigned group_at(const mp_limb_t *limbs, size_t count, bool negative, size_t at) {
  unsigned group = 0;
  for (size_t bit = at; bit < at + 7; bit++) {
    mp_limb_t set = negative;
    if (bit > 0) {
      const size_t source = bit - 1;
      set = source / 64 < count ? limbs[source / 64] >> (source % 64) & 1 : 0;
    }
    group |= (unsigned)set << (bit - at);
  }
  return group;
}

void cal_write_integer(cal_writer *writer, cal_value integer) {
  if (cal_is_small(integer)) {
    const int64_t number = cal_small(integer);
    cal_write_word(writer, ((uint64_t)number << 1) ^ (uint64_t)(number >> 63));
    return;
  }
  const cal_big *big = CAL_AS(cal_big, integer);
  const bool negative = big->head.form != 0;
  cal_stack room;
  cal_stack_init(&room, writer->buffer.arena);
  mp_limb_t *limbs = cal_stack_push(&room, big->head.size * sizeof(mp_limb_t));
  if (limbs == NULL) {
    writer->failed = true;
    return;
  }
  if (negative) {
    (void)mpn_sub_1(limbs, big->limbs, (mp_size_t)big->head.size, 1);
  } else {
    memcpy(limbs, big->limbs, big->head.size * sizeof(mp_limb_t));
  }
  size_t count = big->head.size;
  while (count > 0 && limbs[count - 1] == 0) {
    count--;
  }
  const size_t bits = 1 + (count == 0 ? 0 : mpn_sizeinbase(limbs, (mp_size_t)count, 2));
  for (size_t at = 0; at < bits; at += 7) {
    const unsigned more = at + 7 < bits ? 0x80U : 0;
    cal_write_bits(writer, group_at(limbs, count, negative, at) | more, 8);
  }
  cal_stack_release(&room);
}

void cal_write_padding(cal_writer *writer) { cal_write_bits(writer, 1, 8 - writer->count); }

void cal_write_bytes(cal_writer *writer, const uint8_t *data, size_t length) {
  cal_write_padding(writer);
  while (length > 0) {
    const uint8_t chunk = length < 255 ? (uint8_t)length : 255;
    put(writer, &chunk, 1);
    put(writer, data, chunk);
    data += chunk;
    length -= chunk;
  }
  const uint8_t end = 0;
  put(writer, &end, 1);
}
