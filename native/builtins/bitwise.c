/* Bits of byte strings: CIP-0122 and CIP-0123. Bit 0 is the lowest bit of the
 * last byte. */
#include <string.h>

#include "builtins/families.h"

enum {
  MOST_REPLICATED = 8192,
  MOST_WRITTEN = 4096 /* the longest string that writeBits takes in variants D and E */
};

static cal_status give(const cal_call *call, const uint8_t *bytes, size_t length,
                       cal_value *result) {
  return cal_return(call, cal_make_bytes(call->arena, CAL_BYTES, bytes, length), result);
}

typedef enum operation { AND, OR, XOR } operation;

static uint8_t combine(operation operation, uint8_t x, uint8_t y) {
  return (uint8_t)(operation == AND ? x & y : operation == OR ? x | y : x ^ y);
}

/* Arguments: whether the result is as long as the longer string, whose end then
 * stands as it is, or as short as the shorter; the strings, aligned at their
 * first bytes. */
static cal_status logical(const cal_call *call, operation operation, const cal_value *a,
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
  for (size_t i = 0; i < shorter->length; i++) {
    bytes[i] = combine(operation, longer->data[i], shorter->data[i]);
  }
  memcpy(bytes + shorter->length, longer->data + shorter->length, length - shorter->length);
  return give(call, bytes, length, result);
}

cal_status cal_andByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  return logical(call, AND, a, result);
}

cal_status cal_orByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  return logical(call, OR, a, result);
}

cal_status cal_xorByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  return logical(call, XOR, a, result);
}

cal_status cal_complementByteString(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *input = CAL_AS(cal_bytes, a[0]);
  uint8_t *bytes = cal_alloc(call->arena, input->length);
  if (bytes == NULL) {
    return cal_exhausted(call);
  }
  for (size_t i = 0; i < input->length; i++) {
    bytes[i] = (uint8_t)~input->data[i];
  }
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

cal_status cal_countSetBits(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, a[0]);
  uint64_t count = 0;
  size_t at = 0;
  for (; bytes->length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    memcpy(&word, bytes->data + at, sizeof word);
    count += (uint64_t)__builtin_popcountll(word);
  }
  for (; at < bytes->length; at++) {
    count += (uint64_t)__builtin_popcount(bytes->data[at]);
  }
  return cal_return(call, cal_make_size(call->arena, count), result);
}

/* -1 where no bit is set. */
cal_status cal_findFirstSetBit(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_bytes *bytes = CAL_AS(cal_bytes, a[0]);
  size_t skipped = 0;
  while (skipped < bytes->length && bytes->data[bytes->length - 1 - skipped] == 0) {
    skipped++;
  }
  if (skipped == bytes->length) {
    *result = cal_from_small(-1);
    return CAL_OK;
  }
  const unsigned lowest = (unsigned)__builtin_ctz(bytes->data[bytes->length - 1 - skipped]);
  return cal_return(call, cal_make_size(call->arena, (uint64_t)skipped * 8 + lowest), result);
}
