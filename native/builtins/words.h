/* Bytes taken eight at a time, wherever they lie, so that loops over byte strings
 * run at the speed of memory. What is written with these is portable, and what
 * the compiler can turn into vector instructions it does. */
#ifndef CAL_WORDS_H
#define CAL_WORDS_H

#include <stdint.h>
#include <string.h>

enum { CAL_WORD = 8 };

/* A word of which every byte is `byte`. */
#define CAL_EVERY_BYTE(byte) ((uint64_t)(byte) * UINT64_C(0x0101010101010101))

static inline uint64_t cal_load(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

static inline void cal_store(uint8_t *bytes, uint64_t word) { memcpy(bytes, &word, sizeof word); }

/* From the machine's order to least byte first, or back. */
static inline uint64_t cal_little_endian(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return word;
#else
  return __builtin_bswap64(word);
#endif
}

static inline uint64_t cal_big_endian(uint64_t word) {
  return __builtin_bswap64(cal_little_endian(word));
}

#endif
