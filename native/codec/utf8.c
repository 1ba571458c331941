#include "codec/utf8.h"

#include "builtins/words.h"

/* The bytes that may follow a lead byte: how many, and the range of the first
 * of them, which is what rules out overlong forms, surrogates and numbers
 * beyond U+10FFFF (table 3-7 of the Unicode standard). */
static unsigned following(uint8_t lead, uint8_t *low, uint8_t *high) {
  *low = 0x80;
  *high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    return 1;
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    *low = lead == 0xe0 ? 0xa0 : 0x80;
    *high = lead == 0xed ? 0x9f : 0xbf;
    return 2;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    *low = lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xf4 ? 0x8f : 0xbf;
    return 3;
  }
  return 0;
}

enum { BLOCK = 8 * CAL_WORD };

static bool is_ascii_block(const uint8_t *data) {
  uint64_t any = 0;
  for (size_t i = 0; i < BLOCK; i += CAL_WORD) {
    any |= cal_load(data + i);
  }
  return (any & CAL_EVERY_BYTE(0x80)) == 0;
}

static bool is_utf8_by_character(const uint8_t *data, size_t length) {
  size_t at = 0;
  while (at < length) {
    if (data[at] < 0x80) {
      at += length - at >= BLOCK && is_ascii_block(data + at) ? BLOCK : 1;
      continue;
    }
    uint8_t low = 0;
    uint8_t high = 0;
    const unsigned more = following(data[at], &low, &high);
    if (more == 0 || length - at <= more || data[at + 1] < low || data[at + 1] > high) {
      return false;
    }
    for (unsigned i = 2; i <= more; i++) {
      if ((data[at + i] & 0xc0U) != 0x80) {
        return false;
      }
    }
    at += more + 1;
  }
  return true;
}

#if defined(__x86_64__)
#include <tmmintrin.h>

/* Sixteen bytes at a time, by J. Keiser and D. Lemire, Validating UTF-8 in less
 * than one instruction per byte (Software: Practice and Experience 51, 2021).
 * All errors but one show in two bytes that follow one another: in the two halves
 * of the first and the higher half of the second. Each half says by a table which
 * errors it may be part of, and what all three say is one. */
enum {
  TOO_SHORT = 1 << 0,   /* 11______ 0_______ or 11______ 11______ */
  TOO_LONG = 1 << 1,    /* 0_______ 10______ */
  OVERLONG_3 = 1 << 2,  /* 11100000 100_____ */
  TOO_LARGE = 1 << 3,   /* 11110100 1001____ and above */
  SURROGATE = 1 << 4,   /* 11101101 101_____ */
  OVERLONG_2 = 1 << 5,  /* 1100000_ 10______ */
  OVERLONG_4 = 1 << 6,  /* 11110000 1000____ */
  TOO_LARGE_4 = 1 << 6, /* 11110101 1000____ and above: the same bit serves */
  CONTINUED = 1 << 7,   /* 10______ 10______: right as a third or fourth byte alone */
  ANY_LOW_HALF = TOO_SHORT | TOO_LONG | CONTINUED
};

#define SSSE3 __attribute__((target("ssse3")))

/* The bytes `back` before those of `now`. */
#define BEFORE(now, previous, back) _mm_alignr_epi8((now), (previous), 16 - (back))

SSSE3 static inline __m128i higher_halves(__m128i bytes) {
  return _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(0x0f));
}

/* Not 0 where the bytes of `now`, which follow `previous`, are wrong. */
SSSE3 static inline __m128i errors(__m128i now, __m128i previous) {
  const __m128i of_first_high =
      _mm_setr_epi8(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
                    (char)CONTINUED, (char)CONTINUED, (char)CONTINUED, (char)CONTINUED,
                    TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
                    TOO_SHORT | TOO_LARGE | TOO_LARGE_4 | OVERLONG_4);
  const char large = (char)(ANY_LOW_HALF | TOO_LARGE | TOO_LARGE_4);
  const __m128i of_first_low =
      _mm_setr_epi8((char)(ANY_LOW_HALF | OVERLONG_3 | OVERLONG_2 | OVERLONG_4),
                    (char)(ANY_LOW_HALF | OVERLONG_2), (char)ANY_LOW_HALF, (char)ANY_LOW_HALF,
                    (char)(ANY_LOW_HALF | TOO_LARGE), large, large, large, large, large, large,
                    large, large, (char)(large | SURROGATE), large, large);
  const char later = (char)(TOO_LONG | OVERLONG_2 | CONTINUED | SURROGATE | TOO_LARGE);
  const __m128i of_second_high = _mm_setr_epi8(
      TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
      (char)(TOO_LONG | OVERLONG_2 | CONTINUED | OVERLONG_3 | TOO_LARGE_4 | OVERLONG_4),
      (char)(TOO_LONG | OVERLONG_2 | CONTINUED | OVERLONG_3 | TOO_LARGE), later, later, TOO_SHORT,
      TOO_SHORT, TOO_SHORT, TOO_SHORT);
  const __m128i first = BEFORE(now, previous, 1);
  const __m128i pairs = _mm_and_si128(
      _mm_and_si128(_mm_shuffle_epi8(of_first_high, higher_halves(first)),
                    _mm_shuffle_epi8(of_first_low, _mm_and_si128(first, _mm_set1_epi8(0x0f)))),
      _mm_shuffle_epi8(of_second_high, higher_halves(now)));
  /* Two or three bytes behind a lead of three or four must be a continuation of a
   * continuation, which shows in the highest bit. */
  const __m128i third = _mm_subs_epu8(BEFORE(now, previous, 2), _mm_set1_epi8(0xe0 - 0x80));
  const __m128i fourth = _mm_subs_epu8(BEFORE(now, previous, 3), _mm_set1_epi8(0xf0 - 0x80));
  const __m128i continued =
      _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)CONTINUED));
  return _mm_xor_si128(continued, pairs);
}

SSSE3 static bool is_utf8_by_vector(const uint8_t *data, size_t length) {
  enum { WIDTH = 16 };
  __m128i previous = _mm_setzero_si128();
  __m128i wrong = _mm_setzero_si128();
  size_t at = 0;
  for (; length - at >= WIDTH; at += WIDTH) {
    const __m128i now = _mm_loadu_si128((const __m128i *)(const void *)(data + at));
    wrong = _mm_or_si128(wrong, errors(now, previous));
    previous = now;
  }
  /* What is left, and a zero behind it that shows where a character does not end. */
  uint8_t rest[WIDTH] = {0};
  memcpy(rest, data + at, length - at);
  wrong =
      _mm_or_si128(wrong, errors(_mm_loadu_si128((const __m128i *)(const void *)rest), previous));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) == 0xffff;
}

/* Processors have had the instructions since 2006, which not all builds may assume. */
static bool is_utf8(const uint8_t *data, size_t length) {
  return __builtin_cpu_supports("ssse3") ? is_utf8_by_vector(data, length)
                                         : is_utf8_by_character(data, length);
}
#else
static bool is_utf8(const uint8_t *data, size_t length) {
  return is_utf8_by_character(data, length);
}
#endif

bool cal_is_utf8(const uint8_t *data, size_t length) {
  size_t at = 0;
  while (length - at >= BLOCK && is_ascii_block(data + at)) {
    at += BLOCK;
  }
  enum { SHORT = 16 };
  return (length - at < SHORT ? is_utf8_by_character : is_utf8)(data + at, length - at);
}
