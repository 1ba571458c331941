#define _DEFAULT_SOURCE /* sbrk */

#include "timing/heap.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
#include <malloc.h>
#include <unistd.h>

enum {
  PAGE = 4096,
  STEP = 16,  /* malloc rounds to this, */
  HEADER = 8, /* after adding so much */
  SMALLEST = 24,
  CACHED = 1032,      /* up to here, what is freed is kept apart and joins nothing */
  LARGEST = 96 * 1024 /* below the size from which malloc maps memory; larger holes take several */
};

/* What fills the holes, each pointing to the one before: leaked on purpose, and
 * yet within a leak checker's sight. */
static void **filling;

/* The heap's end is not yet in use from here on. */
static uintptr_t unused(void) { return (uintptr_t)sbrk(0) - mallinfo2().keepcost; }

static uintptr_t keep(size_t size) {
  void **block = malloc(size);
  if (block != NULL) {
    *block = filling;
    filling = block;
  }
  return (uintptr_t)block;
}

static size_t smaller(size_t size) { return size > 2 * CACHED ? size / 2 : size - STEP; }

void cal_heap_settle(size_t offset) {
  const uintptr_t fresh = unused();
  /* From large to small, since a block leaves a hole of what is too much. */
  for (size_t size = LARGEST; size >= SMALLEST; size = smaller(size)) {
    uintptr_t block;
    do {
      block = keep(size);
    } while (block != 0 && block < fresh);
    if (block != 0 && size > CACHED) {
      filling = *filling;
      free((void *)block);
    }
  }
  const size_t past = unused() % PAGE;
  const size_t missing = (2 * PAGE + offset - past) % PAGE;
  (void)keep(missing + PAGE - HEADER);
}
#else
void cal_heap_settle(size_t offset) { (void)offset; }
#endif
