/* Bits of byte strings: CIP-0122 and CIP-0123. Bit 0 is the lowest bit of the
 * last byte. */
#include <string.h>

#include "builtins/families.h"
#include "builtins/words.h"

enum {
  MOST_REPLICATED = 8192,
  MOST_WRITTEN = 4096 /* the longest string that writeBits takes in variants D and E */
};

static cal_status give(const cal_call *call, const uint8_t *bytes, size_t length,
                       cal_value *result) {
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, bytes, length), result);
}

/* A loop that the compiler makes vectors of: one operator, nothing that overlaps. */
#define COMBINE(name, operator)                                                                  \
  static void name(uint8_t *restrict into, const uint8_t *restrict x, const uint8_t *restrict y, \
                   size_t length) {                                                              \
    for (size_t i = 0; i < length; i++) {                                                        \
      into[i] = (uint8_t)(x[i] operator y[i]);                                                   \
    }                                                                                            \
  }
COMBINE(combine_and, &)
COMBINE(combine_or, |)
COMBINE(combine_xor, ^)
#undef COMBINE

typedef void (*combination)(uint8_t *restrict into, const uint8_t *restrict x,
                            const uint8_t *restrict y, size_t length);

/* Arguments: whether the result is as long as the longer string, whose end then
 * stands as it is, or as short as the shorter; the strings, aligned at their
 * first bytes. */
static cal_status logical(const cal_call *call, combination combine, const cal_value *a,
                          cal_value *result) {
  const cal_bytes *longer = CAL_AS(cal_bytes, a[1]);
  const cal_bytes *shorter = CAL_AS(cal_bytes, a[2]);
  if (longer->length < shorter->length) {
    longer = CAL_AS(cal_bytes, a[2]);
    shorter = CAL_AS(cal_bytes, a[1]);
  }
  const size_t length = cal_bool(a[0]) ? longer->length : shorter->length;
  uint8_t *bytes = cal_alloc(call->arena, length);
  if (bytes == NULL) {
    return cal_exhausted(call);
  }
  combine(bytes, longer->data, shorter->data, shorter->length);
  memcpy(bytes + shorter->length, longer->data + shorter->length, length - shorter->length);
  return give(call, bytes, length, result);
}

cal_status cal_andByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  return logical(call, combine_and, a, result);
}

cal_status cal_orByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  return logical(call, combine_or, a, result);
}

cal_status cal_xorByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  return logical(call, combine_xor, a, result);
}

static void invert(uint8_t *restrict into, const uint8_t *restrict from, size_t length) {
  for (size_t i = 0; i < length; i++) {
    into[i] = (uint8_t)~from[i];
  }
}

cal_status cal_complementByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  uint8_t *bytes = cal_alloc(call->arena, input->length);
  if (bytes == NULL) {
    return cal_exhausted(call);
  }
  invert(bytes, input->data, input->length);
  return give(call, bytes, input->length, result);
}

/* Where a bit lies. Out: *byte, counted from the front, and *mask. False where
 * the string has no such bit. */
static bool locate(const cal_bytes *bytes, cal_value index, size_t *byte, uint8_t *mask) {
  int64_t bit = 0;
  if (!cal_int64_of(index, &bit) || bit < 0 || (uint64_t)bit / 8 >= bytes->length) {
    return false;
  }
  *byte = bytes->length - 1 - (size_t)bit / 8;
  *mask = (uint8_t)(1U << (bit % 8));
  return true;
}

cal_status cal_readBit(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, a[0]);
  size_t byte = 0;
  uint8_t mask = 0;
  if (!locate(bytes, a[1], &byte, &mask)) {
    return cal_fail(call->error, CAL_FAILED, "builtin readBit: index out of bounds");
  }
  *result = cal_from_bool((bytes->data[byte] & mask) != 0);
  return CAL_OK;
}

cal_status cal_writeBits(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  if (input->length > MOST_WRITTEN && call->variant >= CAL_VARIANT_D) {
    return cal_fail(call->error, CAL_FAILED, "builtin writeBits: more than %d bytes", MOST_WRITTEN);
  }
  uint8_t *bytes = cal_alloc(call->arena, input->length);
  if (bytes == NULL) {
    return cal_exhausted(call);
  }
  memcpy(bytes, input->data, input->length);
  const bool set = cal_bool(a[2]);
  for (const cal_list *cell = CAL_AS(cal_list, a[1]); cell->head.form != 0; cell = cell->rest) {
    size_t byte = 0;
    uint8_t mask = 0;
    if (!locate(input, cell->first, &byte, &mask)) {
      return cal_fail(call->error, CAL_FAILED, "builtin writeBits: index out of bounds");
    }
    bytes[byte] = (uint8_t)(set ? bytes[byte] | mask : bytes[byte] & ~mask);
  }
  return give(call, bytes, input->length, result);
}

cal_status cal_replicateByte(const cal_call *call, const cal_value *a, cal_value *result) {
  int64_t length = 0;
  int64_t byte = 0;
  if (!cal_int64_of(a[0], &length) || length < 0 || length > MOST_REPLICATED) {
    return cal_fail(call->error, CAL_FAILED, "builtin replicateByte: a length outside 0 to %d",
                    MOST_REPLICATED);
  }
  if (!cal_int64_of(a[1], &byte) || byte < 0 || byte > 255) {
    return cal_fail(call->error, CAL_FAILED, "builtin replicateByte: a byte outside 0 to 255");
  }
  uint8_t *bytes = cal_alloc(call->arena, (size_t)length);
  if (bytes == NULL) {
    return cal_exhausted(call);
  }
  memset(bytes, (int)byte, (size_t)length);
  return give(call, bytes, (size_t)length, result);
}

/* The bits of whole words, four sums at a time so that none waits for another. */
#define COUNT_WORDS(name, attribute)                                                       \
  attribute static uint64_t name(const uint8_t *bytes, size_t words) {                     \
    uint64_t counts[4] = {0};                                                              \
    size_t i = 0;                                                                          \
    for (; i + 4 <= words; i += 4) {                                                       \
      for (size_t j = 0; j < 4; j++) {                                                     \
        counts[j] += (uint64_t)__builtin_popcountll(cal_load(bytes + (i + j) * CAL_WORD)); \
      }                                                                                    \
    }                                                                                      \
    for (; i < words; i++) {                                                               \
      counts[0] += (uint64_t)__builtin_popcountll(cal_load(bytes + i * CAL_WORD));         \
    }                                                                                      \
    return counts[0] + counts[1] + counts[2] + counts[3];                                  \
  }

#if defined(__x86_64__)
/* Processors have had an instruction for it since 2008, which not all builds may
 * assume. */
COUNT_WORDS(count_by_instruction, __attribute__((target("popcnt"))))

/* Without it: three words become the sums of their bits and the carries, of which
 * there are half as many words to count (a carry-save adder). */
static uint64_t bits_of(uint64_t word) {
  word -= word >> 1 & CAL_EVERY_BYTE(0x55);
  word = (word & CAL_EVERY_BYTE(0x33)) + (word >> 2 & CAL_EVERY_BYTE(0x33));
  word = (word + (word >> 4)) & CAL_EVERY_BYTE(0x0f);
  return word * CAL_EVERY_BYTE(1) >> 56;
}

static uint64_t count_by_arithmetic(const uint8_t *bytes, size_t words) {
  uint64_t ones = 0;
  uint64_t twos = 0;
  size_t i = 0;
  for (; i + 2 <= words; i += 2) {
    const uint64_t x = cal_load(bytes + i * CAL_WORD);
    const uint64_t y = cal_load(bytes + (i + 1) * CAL_WORD);
    const uint64_t differ = x ^ y;
    twos += bits_of((x & y) | (differ & ones));
    ones ^= differ;
  }
  return 2 * twos + bits_of(ones) + (i < words ? bits_of(cal_load(bytes + i * CAL_WORD)) : 0);
}

static uint64_t count_words(const uint8_t *bytes, size_t words) {
  return __builtin_cpu_supports("popcnt") ? count_by_instruction(bytes, words)
                                          : count_by_arithmetic(bytes, words);
}
#else
COUNT_WORDS(count_words, )
#endif

cal_status cal_countSetBits(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, a[0]);
  const size_t words = bytes->length / CAL_WORD;
  uint64_t count = count_words(bytes->data, words);
  for (size_t at = words * CAL_WORD; at < bytes->length; at++) {
    count += (uint64_t)__builtin_popcount(bytes->data[at]);
  }
  return cal_return(call, cal_make_size(call->arena, count), result);
}

/* How many of the last bytes are 0. */
static size_t trailing_zeros(const uint8_t *bytes, size_t length) {
  enum { BLOCK = 8 * CAL_WORD };
  size_t left = length;
  for (; left >= BLOCK; left -= BLOCK) {
    uint64_t any = 0;
    for (size_t i = 1; i <= BLOCK / CAL_WORD; i++) {
      any |= cal_load(bytes + left - i * CAL_WORD);
    }
    if (any != 0) {
      break;
    }
  }
  while (left >= CAL_WORD && cal_load(bytes + left - CAL_WORD) == 0) {
    left -= CAL_WORD;
  }
  while (left > 0 && bytes[left - 1] == 0) {
    left--;
  }
  return length - left;
}

/* -1 where no bit is set. */
cal_status cal_findFirstSetBit(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, a[0]);
  const size_t skipped = trailing_zeros(bytes->data, bytes->length);
  if (skipped == bytes->length) {
    *result = cal_from_small(-1);
    return CAL_OK;
  }
  const unsigned lowest = (unsigned)__builtin_ctz(bytes->data[bytes->length - 1 - skipped]);
  return cal_return(call, cal_make_size(call->arena, (uint64_t)skipped * 8 + lowest), result);
}
