/* Does harm on purpose, each kind by its letter, to show that the harness sees
 * it. No round runs it. */
#include <stdlib.h>
#include <string.h>

#include "target.h"

enum { CAP = 4096 };

/* Kept from the optimiser, which would drop what nothing depends on. */
static void *volatile kept;
static volatile unsigned shift = 40;

static void behind_a_block(void) {
  cal_arena arena;
  cal_arena_init(&arena, CAP);
  char *block = cal_alloc(&arena, 16);
  char *next = cal_alloc(&arena, 16); /* in a chunk, this is where the write lands */
  CAL_CHECK(block != NULL && next != NULL);
  memset(block, 0, 16 + shift);
  cal_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  cal_target_begin();
  switch (length == 0 ? 0 : bytes[0]) {
  case 'b':
    behind_a_block();
    break;
  case 'i':
    kept = (void *)(uintptr_t)bytes[length + shift - 40]; /* behind the input */
    break;
  case 'l':
    kept = malloc(100);
    break;
  case 'm':
    kept = malloc(4 * 1024 * 1024);
    free(kept);
    break;
  case 'u':
    kept = (void *)(uintptr_t)(1U << shift);
    break;
  default:
    break;
  }
  cal_target_end(CAP);
  return 0;
}
