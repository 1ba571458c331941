/* Calls a target on mutated seeds, where there is no libFuzzer to do it:
 *
 *   target COUNT SEED MOST FILE…
 *
 * tries each file as it is and then COUNT inputs of at most MOST bytes made of
 * them, the same ones for the same SEED. An input on which the target dies, or
 * takes more than ten seconds, is left in the file `crash`. */
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

enum { MOST_SECONDS = 10, MOST_CHANGES = 6 };

typedef struct sample {
  uint8_t *bytes;
  size_t length;
} sample;

static sample current; /* what the target is looking at */
static uint64_t state; /* of the generator, never 0 */

/* xorshift64*, by Vigna 2016. Below `bound`, which is above 0. */
static size_t below(size_t bound) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (size_t)((state * 0x2545F4914F6CDD1DU) >> 32) % bound;
}

static void leave_crash(void) {
  FILE *file = fopen("crash", "wb");
  if (file != NULL) {
    (void)fwrite(current.bytes, 1, current.length, file);
    (void)fclose(file);
  }
}

static void took_too_long(int signal_number) {
  (void)signal_number;
  abort();
}

static void change_byte(sample *it) {
  static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x5f, 0x9f, 0xbf, 0xd8, 0xc2};
  uint8_t *byte = &it->bytes[below(it->length)];
  switch (below(3)) {
  case 0:
    *byte = (uint8_t)(*byte ^ 1U << below(8));
    break;
  case 1:
    *byte = (uint8_t)below(256);
    break;
  default:
    *byte = telling[below(sizeof telling)];
    break;
  }
}

static void remove_part(sample *it) {
  const size_t at = below(it->length);
  const size_t length = 1 + below(it->length - at);
  memmove(it->bytes + at, it->bytes + at + length, it->length - at - length);
  it->length -= length;
}

/* Puts a part of another sample, or of this one, in at some place. */
static void insert_part(sample *it, const sample *other, size_t most) {
  if (other->length == 0 || it->length >= most) {
    return;
  }
  const size_t from = below(other->length);
  size_t length = 1 + below(other->length - from);
  if (length > most - it->length) {
    length = most - it->length;
  }
  const size_t at = below(it->length + 1);
  memmove(it->bytes + at + length, it->bytes + at, it->length - at);
  memcpy(it->bytes + at, other->bytes + from, length);
  it->length += length;
}

static void mutate(const sample *seeds, size_t count, size_t most) {
  const sample *base = &seeds[below(count)];
  current.length = base->length < most ? base->length : most;
  memcpy(current.bytes, base->bytes, current.length);
  for (size_t changes = 1 + below(MOST_CHANGES); changes > 0; changes--) {
    const size_t kind = below(8);
    if (kind == 0 || current.length == 0) {
      insert_part(&current, &seeds[below(count)], most);
    } else if (kind == 1) {
      remove_part(&current);
    } else {
      change_byte(&current);
    }
  }
}

/* The target gets a block of exactly the input's length, so that the sanitizer
 * sees a read behind it. */
static void try_current(void) {
  uint8_t *exact = malloc(current.length + (current.length == 0));
  CAL_CHECK(exact != NULL);
  memcpy(exact, current.bytes, current.length);
  (void)alarm(MOST_SECONDS);
  (void)LLVMFuzzerTestOneInput(exact, current.length);
  free(exact);
}

static sample read_sample(const char *path) {
  FILE *file = fopen(path, "rb");
  CAL_CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  const long length = ftell(file);
  CAL_CHECK(length >= 0 && fseek(file, 0, SEEK_SET) == 0);
  sample read = {malloc((size_t)length + 1), (size_t)length};
  CAL_CHECK(read.bytes != NULL && fread(read.bytes, 1, read.length, file) == read.length);
  (void)fclose(file);
  return read;
}

int main(int argc, char **argv) {
  CAL_CHECK(argc > 4);
  const unsigned long long count = strtoull(argv[1], NULL, 10);
  state = strtoull(argv[2], NULL, 10) * 0x9E3779B97F4A7C15U | 1;
  const size_t most = (size_t)strtoull(argv[3], NULL, 10);
  const size_t seed_count = (size_t)argc - 4;
  sample *seeds = calloc(seed_count, sizeof *seeds);
  CAL_CHECK(seeds != NULL);
  __sanitizer_set_death_callback(leave_crash);
  (void)signal(SIGALRM, took_too_long);
  for (size_t i = 0; i < seed_count; i++) {
    seeds[i] = read_sample(argv[4 + i]);
    current = seeds[i];
    try_current();
  }
  current.bytes = malloc(most + 1);
  CAL_CHECK(current.bytes != NULL);
  for (unsigned long long i = 0; i < count; i++) {
    mutate(seeds, seed_count, most);
    try_current();
  }
  (void)printf("executed %llu inputs\n", count + seed_count);
  for (size_t i = 0; i < seed_count; i++) {
    free(seeds[i].bytes);
  }
  free(seeds);
  free(current.bytes);
  return 0;
}
