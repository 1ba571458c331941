#include <string.h>

#include "grow_parts.h"
#include "signatures.h" /* made by fuzz/build.py */
#include "target.h"

enum { MOST_DATA = 1024, ROOMY = CAL_GROWN_BYTES / 4 };

void cal_bits_put(cal_bits *bits, unsigned value, unsigned width) {
  while (width > 0) {
    width--;
    CAL_CHECK(bits->count / 8 < bits->room);
    const unsigned bit = value >> width & 1U;
    bits->bytes[bits->count / 8] |= (uint8_t)(bit << (7 - bits->count % 8));
    bits->count++;
  }
}

void cal_bits_natural(cal_bits *bits, uint64_t value) {
  for (; value > 127; value >>= 7) {
    cal_bits_put(bits, (unsigned)(value & 127) | 128, 8);
  }
  cal_bits_put(bits, (unsigned)value, 8);
}

void cal_bits_pad(cal_bits *bits) {
  const unsigned width = 8 - (unsigned)(bits->count % 8);
  cal_bits_put(bits, 1, width);
}

void cal_bits_bytestring(cal_bits *bits, const uint8_t *bytes, size_t length) {
  cal_bits_pad(bits);
  while (length > 0) {
    const size_t chunk = length < 255 ? length : 255;
    cal_bits_put(bits, (unsigned)chunk, 8);
    for (size_t i = 0; i < chunk; i++) {
      cal_bits_put(bits, bytes[i], 8);
    }
    bytes += chunk;
    length -= chunk;
  }
  cal_bits_put(bits, 0, 8);
}

/* Of one to three bits mostly, of a word or two sometimes, and of some hundreds of bits. The groups
 * are those of its zigzag form. */
static void write_integer(cal_bits *bits, cal_choices *choices) {
  static const unsigned groups[] = {1, 1, 1, 1, 1, 2, 5, 9, 10, 18, 19, 80};
  const unsigned count = groups[cal_choose(choices, sizeof groups / sizeof *groups)];
  const bool telling = cal_choose(choices, 4) == 3; /* all ones: the greatest of its length */
  for (unsigned group = 1; group < count; group++) {
    cal_bits_put(bits, 128 | (telling ? 127 : cal_choose(choices, 128)), 8);
  }
  cal_bits_put(bits, count > 1 ? 1 + cal_choose(choices, 127) : cal_choose(choices, 24), 8);
}

static void write_bytes(cal_bits *bits, cal_choices *choices) {
  static const uint16_t lengths[] = {0, 1, 2, 4, 8, 28, 31, 32, 33, 48, 64, 65, 96, 255, 256, 600};
  uint8_t bytes[600];
  const uint8_t *from = bytes;
  size_t length = lengths[cal_choose(choices, sizeof lengths / sizeof *lengths)];
  const unsigned seed = cal_choose(choices, 256);
  for (size_t i = 0; i < length; i++) {
    bytes[i] = (uint8_t)(seed < 2 ? seed * 255 : seed * (i + 1) + (i >> 3)); /* also all alike */
  }
  if (length == sizeof cal_g1_generator && seed % 2 == 0) {
    from = cal_g1_generator;
  } else if (length == sizeof cal_g2_generator && seed % 2 == 0) {
    from = cal_g2_generator;
  }
  if (bits->count / 8 > ROOMY) {
    length = 0;
  }
  cal_bits_bytestring(bits, from, length);
}

static void write_string(cal_bits *bits, cal_choices *choices) {
  static const char *const strings[] = {"",
                                        "a",
                                        "calibrate",
                                        "\xc3\xa9",
                                        "\xe2\x82\xac\n",
                                        "\xf0\x9f\x98\x80",
                                        "0123456789012345678901234567890123456789",
                                        "\xef\xbf\xbd\x7f"};
  const char *string = strings[cal_choose(choices, sizeof strings / sizeof *strings)];
  cal_bits_bytestring(bits, (const uint8_t *)string, strlen(string));
}

typedef struct cbor {
  uint8_t bytes[MOST_DATA];
  size_t length;
} cbor;

static void put_byte(cbor *out, unsigned byte) {
  CAL_CHECK(out->length < MOST_DATA);
  out->bytes[out->length++] = (uint8_t)byte;
}

/* The head of an item: its kind and a number below 2^16. */
static void put_head(cbor *out, unsigned kind, unsigned number) {
  if (number < 24) {
    put_byte(out, kind << 5 | number);
  } else if (number < 256) {
    put_byte(out, kind << 5 | 24);
    put_byte(out, number);
  } else {
    put_byte(out, kind << 5 | 25);
    put_byte(out, number >> 8);
    put_byte(out, number & 255);
  }
}

static void put_data(cbor *out, cal_choices *choices, char kind, unsigned depth);

static void put_any_data(cbor *out, cal_choices *choices, unsigned depth) {
  put_data(out, choices,
           "IYQMK"[cal_choose(choices, depth == 0 || out->length > MOST_DATA / 2 ? 2 : 5)], depth);
}

static void put_items(cbor *out, cal_choices *choices, unsigned kind, unsigned count,
                      unsigned depth) {
  put_head(out, kind, count);
  for (unsigned item = 0; item < (kind == 5 ? 2 * count : count); item++) {
    put_any_data(out, choices, depth == 0 ? 0 : depth - 1);
  }
}

static void put_data(cbor *out, cal_choices *choices, char kind, unsigned depth) {
  const unsigned few = out->length > MOST_DATA / 2 ? 1 : 4;
  switch (kind) {
  case 'I':
    if (cal_choose(choices, 6) == 5) { /* beyond 64 bits, of either sign */
      put_byte(out, 0xc2 + cal_choose(choices, 2));
      put_head(out, 2, 9);
      put_byte(out, 1 + cal_choose(choices, 255));
      for (unsigned i = 0; i < 8; i++) {
        put_byte(out, cal_choose(choices, 256));
      }
    } else {
      put_head(out, cal_choose(choices, 2), cal_choose(choices, 65536));
    }
    break;
  case 'Y': {
    const unsigned length = cal_choose(choices, out->length > MOST_DATA / 2 ? 8 : 65);
    put_head(out, 2, length);
    for (unsigned i = 0; i < length; i++) {
      put_byte(out, i * length);
    }
    break;
  }
  case 'Q':
    put_items(out, choices, 4, cal_choose(choices, few), depth);
    break;
  case 'M':
    put_items(out, choices, 5, cal_choose(choices, few), depth);
    break;
  default: {
    const unsigned tag = cal_choose(choices, 12);
    put_byte(out, 0xd8);
    put_byte(out, tag < 7 ? 121 + tag : 102);
    if (tag >= 7) {
      put_head(out, 4, 2);
      put_head(out, 0, 100 * tag);
    }
    put_items(out, choices, 4, cal_choose(choices, few), depth);
  }
  }
}

/* Keys ascend, no quantity is zero and no currency is empty. */
static void write_entries(cal_bits *bits, cal_choices *choices, unsigned level) {
  const unsigned count = level + cal_choose(choices, 4);
  for (unsigned i = 0; i < count; i++) {
    const uint8_t key[] = {(uint8_t)(40 * i + cal_choose(choices, 40)), (uint8_t)level};
    cal_bits_put(bits, 1, 1);
    cal_bits_bytestring(bits, key, i == 0 && key[0] % 4 == 0 ? 0 : sizeof key);
    if (level == 0) {
      write_entries(bits, choices, 1);
    } else {
      const unsigned groups = cal_choose(choices, 8) == 7 ? 18 : 1; /* 18: of 127 bits */
      for (unsigned group = 1; group < groups; group++) {
        cal_bits_put(bits, 255, 8);
      }
      cal_bits_put(bits, 1 + cal_choose(choices, 127), 8);
    }
  }
  cal_bits_put(bits, 0, 1);
}

static void write_value(cal_bits *bits, cal_choices *choices, const char *type) {
  cbor data = {.length = 0};
  switch (*type) {
  case 'i':
    write_integer(bits, choices);
    break;
  case 'y':
    write_bytes(bits, choices);
    break;
  case 's':
    write_string(bits, choices);
    break;
  case 'o':
    cal_bits_put(bits, cal_choose(choices, 2), 1);
    break;
  case 'v':
    write_entries(bits, choices, 0);
    break;
  case 'L':
  case 'A': {
    const bool may = cal_is_constant_type(type + 1, false) && bits->count / 8 < ROOMY;
    const unsigned counts[] = {0, 1, 2, 3, 4, 7};
    for (unsigned item = may ? counts[cal_choose(choices, 6)] : 0; item > 0; item--) {
      cal_bits_put(bits, 1, 1);
      write_value(bits, choices, type + 1);
    }
    cal_bits_put(bits, 0, 1);
    break;
  }
  case 'P':
    write_value(bits, choices, type + 1);
    write_value(bits, choices, cal_type_end(type + 1));
    break;
  case 'u':
    break;
  default:
    if (*type == 'd') {
      put_any_data(&data, choices, 3);
    } else {
      put_data(&data, choices, *type, 3);
    }
    cal_bits_bytestring(bits, data.bytes, data.length);
  }
}

static void write_type_tag(cal_bits *bits, unsigned tag) { cal_bits_put(bits, 16 | tag, 5); }

/* Tags of the flat universe (plutus-core-specification, appendix C). */
void cal_write_constant_type(cal_bits *bits, const char *type) {
  static const char letters[] = "iysuoLP?d12mAv";
  enum { APPLICATION = 7 };
  for (const char *end = cal_type_end(type); type < end; type++) {
    const char letter = strchr("IYQMK", *type) != NULL ? 'd' : *type;
    for (int part = letter == 'P' ? 2 : letter == 'L' || letter == 'A'; part > 0; part--) {
      write_type_tag(bits, APPLICATION);
    }
    write_type_tag(bits, (unsigned)(strchr(letters, letter) - letters));
  }
  cal_bits_put(bits, 0, 1);
}

void cal_write_constant(cal_bits *bits, cal_choices *choices, const char *type) {
  cal_write_constant_type(bits, type);
  write_value(bits, choices, type);
}
