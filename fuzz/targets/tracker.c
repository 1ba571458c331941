#include "tracker.h"

#include <gmp.h>
#include <malloc.h>
#include <stdlib.h>

static struct {
  bool on;
  cal_tracked seen;
  uint64_t requests; /* since cal_track_refuse */
  uint64_t refused;  /* the first request to refuse, or 0 */
  bool lasting;
} tracker;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static bool refuse(void) {
  if (!tracker.on) {
    return false;
  }
  tracker.seen.allocations++;
  tracker.requests++;
  return tracker.refused != 0 && (tracker.lasting ? tracker.requests >= tracker.refused
                                                  : tracker.requests == tracker.refused);
}

static int64_t size_of(void *block) { return (int64_t)malloc_usable_size(block); }

static void *count(void *block, int64_t before) {
  if (tracker.on && block != NULL) {
    tracker.seen.held += size_of(block) - before;
    if (tracker.seen.held > tracker.seen.peak) {
      tracker.seen.peak = tracker.seen.held;
    }
  }
  return block;
}

void *__wrap_malloc(size_t size) { return refuse() ? NULL : count(__real_malloc(size), 0); }

void *__wrap_calloc(size_t items, size_t size) {
  return refuse() ? NULL : count(__real_calloc(items, size), 0);
}

void *__wrap_realloc(void *block, size_t size) {
  if (refuse()) {
    return NULL;
  }
  const int64_t before = size_of(block);
  return count(__real_realloc(block, size), before);
}

void __wrap_free(void *block) {
  if (tracker.on) {
    tracker.seen.held -= size_of(block);
  }
  __real_free(block);
}

void cal_track_begin(void) {
  tracker.seen = (cal_tracked){0, 0, 0};
  tracker.on = true;
}

cal_tracked cal_track_end(void) {
  tracker.on = false;
  return tracker.seen;
}

void cal_track_refuse(uint64_t nth, bool lasting) {
  tracker.requests = 0;
  tracker.refused = nth;
  tracker.lasting = lasting;
}

static void *gmp_allocate(size_t size) { return count(__real_malloc(size), 0); }

static void *gmp_reallocate(void *block, size_t old_size, size_t size) {
  (void)old_size;
  const int64_t before = size_of(block);
  return count(__real_realloc(block, size), before);
}

static void gmp_free(void *block, size_t size) {
  (void)size;
  __wrap_free(block);
}

void cal_track_gmp(void) { mp_set_memory_functions(gmp_allocate, gmp_reallocate, gmp_free); }
