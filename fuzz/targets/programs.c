/* Writes well-typed programs to standard output, for other evaluators:
 *
 *   programs COUNT SEED VERSION_1_1 CASES_OF_CONSTANTS TAG…
 *
 * of the builtins with these flat tags; each program in flat behind its length,
 * four bytes, least first. Equal arguments give equal programs. */
#include <stdio.h>
#include <stdlib.h>

#include "grow.h"
#include "target.h"

enum { MOST_CHOICES = 400 };

/* splitmix64, by Steele, Lea and Flood 2014. */
static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15U;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27) * 0x94D049BB133111EBU;
  return z ^ z >> 31;
}

int main(int argc, char **argv) {
  static cal_grown grown;
  uint8_t choices[MOST_CHOICES];
  CAL_CHECK(argc > 4);
  uint64_t state = strtoull(argv[2], NULL, 10);
  cal_soil soil = {
      .choices = choices, .version_1_1 = *argv[3] == '1', .cases_of_constants = *argv[4] == '1'};
  for (int i = 5; i < argc; i++) {
    soil.builtins[strtoul(argv[i], NULL, 10) % 128] = true;
  }
  for (unsigned long long left = strtoull(argv[1], NULL, 10); left > 0; left--) {
    soil.count = next(&state) % MOST_CHOICES;
    for (size_t i = 0; i < soil.count; i++) {
      choices[i] = (uint8_t)next(&state);
    }
    cal_grow(&soil, &grown);
    const uint8_t length[] = {grown.length & 255, grown.length >> 8 & 255, grown.length >> 16 & 255,
                              grown.length >> 24 & 255};
    CAL_CHECK(fwrite(length, 1, sizeof length, stdout) == sizeof length);
    CAL_CHECK(fwrite(grown.flat, 1, grown.length, stdout) == grown.length);
  }
  return 0;
}
