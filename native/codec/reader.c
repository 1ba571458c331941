#include "codec/reader.h"

uint64_t cal_read_word(cal_reader *reader) {
  uint64_t word = 0;
  for (unsigned shift = 0;; shift += 7) {
    const unsigned group = (unsigned)cal_read_bits(reader, 8);
    const uint64_t payload = group & 0x7fU;
    if (shift == 63 ? payload > 1 : shift > 63) {
      reader->failed = true;
      return 0;
    }
    word |= payload << shift;
    if ((group & 0x80U) == 0 || reader->failed) {
      return word;
    }
  }
}

/* The groups of a number too long for one word, put into limbs. */
static cal_value read_long_integer(cal_reader *reader, cal_arena *arena) {
  cal_reader scan = *reader;
  size_t groups = 1;
  while ((cal_read_bits(&scan, 8) & 0x80U) != 0) {
    groups++;
  }
  if (scan.failed) {
    reader->failed = true;
    return 0;
  }
  const size_t count = groups * 7 / 64 + 1;
  mp_limb_t *limbs = cal_alloc_array(arena, count, sizeof *limbs);
  if (limbs == NULL) {
    return 0;
  }
  memset(limbs, 0, count * sizeof *limbs);
  for (size_t group = 0; group < groups; group++) {
    const mp_limb_t payload = cal_read_bits(reader, 8) & 0x7fU;
    const size_t bit = group * 7;
    limbs[bit / 64] |= payload << (bit % 64);
    if (bit % 64 > 57) {
      limbs[bit / 64 + 1] |= payload >> (64 - bit % 64);
    }
  }
  const bool odd = (limbs[0] & 1) != 0;
  (void)mpn_rshift(limbs, limbs, (mp_size_t)count, 1);
  if (odd) {
    (void)mpn_add_1(limbs, limbs, (mp_size_t)count, 1);
  }
  return cal_make_integer(arena, limbs, count, odd);
}

cal_value cal_read_integer(cal_reader *reader, cal_arena *arena) {
  const size_t start = reader->position;
  uint64_t word = 0;
  for (unsigned shift = 0; shift < 63; shift += 7) {
    const unsigned group = (unsigned)cal_read_bits(reader, 8);
    word |= (uint64_t)(group & 0x7fU) << shift;
    if ((group & 0x80U) == 0) {
      if (reader->failed) {
        return 0;
      }
      const int64_t half = (int64_t)(word >> 1);
      return cal_from_small((word & 1) != 0 ? -half - 1 : half);
    }
  }
  reader->position = start;
  return read_long_integer(reader, arena);
}

uint64_t cal_read_natural(cal_reader *reader) {
  uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const uint64_t group = cal_read_bits(reader, 8);
    const uint64_t payload = group & 0x7fU;
    if (payload != 0 && (shift > 63 || payload << shift >> shift != payload)) {
      number = UINT64_MAX;
    } else if (payload != 0) {
      number |= payload << shift;
    }
    if ((group & 0x80U) == 0 || reader->failed) {
      return number;
    }
  }
}

void cal_read_padding(cal_reader *reader) {
  while (!reader->failed) {
    const unsigned count = 8 - (unsigned)(reader->position & 7);
    const uint64_t bits = cal_read_bits(reader, count);
    if (bits != 0) {
      reader->failed = bits != 1;
      return;
    }
  }
}

int cal_read_bytes(cal_reader *reader, cal_arena *arena, const uint8_t **data, size_t *length) {
  *data = NULL;
  *length = 0;
  cal_read_padding(reader);
  if (reader->failed) {
    return 0;
  }
  const uint8_t *input = reader->bytes + reader->position / 8;
  const size_t available = (reader->limit - reader->position) / 8;
  size_t total = 0;
  size_t at = 0;
  for (;;) {
    if (at >= available || available - at - 1 < input[at]) {
      reader->failed = true;
      return 0;
    }
    if (input[at] == 0) {
      break;
    }
    total += input[at];
    at += (size_t)input[at] + 1;
  }
  reader->position += (at + 1) * 8;
  uint8_t *copy = cal_alloc(arena, total);
  if (copy == NULL) {
    return -1;
  }
  size_t filled = 0;
  for (const uint8_t *chunk = input; *chunk != 0; chunk += (size_t)*chunk + 1) {
    memcpy(copy + filled, chunk + 1, *chunk);
    filled += *chunk;
  }
  *data = copy;
  *length = total;
  return 0;
}
