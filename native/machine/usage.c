#include "machine/usage.h"

#include <stdlib.h>
#include <string.h>

enum {
  FIRST_ROOM = 256,
  MOST_ROWS = 1 << 22 /* of 64 bytes: far more than a transaction's budget can call */
};

static bool reserve(cal_usage *usage, size_t room) {
  cal_usage_row *rows = realloc(usage->rows, room * sizeof *rows);
  if (rows == NULL) {
    return false;
  }
  usage->rows = rows;
  uint32_t *places = calloc(2 * room, sizeof *places);
  if (places == NULL) {
    return false;
  }
  free(usage->places);
  usage->places = places;
  usage->room = room;
  return true;
}

cal_usage *cal_usage_new(void) {
  cal_usage *usage = calloc(1, sizeof *usage);
  if (usage != NULL && !reserve(usage, FIRST_ROOM)) {
    cal_usage_free(usage);
    return NULL;
  }
  return usage;
}

void cal_usage_free(cal_usage *usage) {
  if (usage != NULL) {
    free(usage->rows);
    free(usage->places);
    free(usage);
  }
}

void cal_usage_reset(cal_usage *usage) {
  usage->count = 0;
  memset(usage->places, 0, 2 * usage->room * sizeof *usage->places);
  memset(usage->unpaid, 0, sizeof usage->unpaid);
}

/* The place of a call, or the empty place where it belongs. */
static uint32_t *find(const cal_usage *usage, unsigned tag, const int64_t *sizes) {
  uint64_t hash = tag;
  for (int i = 0; i < CAL_MAX_ARITY; i++) { /* the multiplier is that of Fibonacci hashing */
    hash = (hash ^ (uint64_t)sizes[i]) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
  }
  const size_t last = 2 * usage->room - 1;
  size_t at = (size_t)hash & last;
  while (usage->places[at] != 0) {
    const cal_usage_row *row = &usage->rows[usage->places[at] - 1];
    if (row->tag == tag && memcmp(row->sizes, sizes, sizeof row->sizes) == 0) {
      break;
    }
    at = (at + 1) & last;
  }
  return &usage->places[at];
}

static bool grow(cal_usage *usage) {
  if (usage->room >= MOST_ROWS || !reserve(usage, 2 * usage->room)) {
    return false;
  }
  for (size_t i = 0; i < usage->count; i++) {
    *find(usage, (unsigned)usage->rows[i].tag, usage->rows[i].sizes) = (uint32_t)(i + 1);
  }
  return true;
}

bool cal_usage_note(cal_usage *usage, unsigned tag, const int64_t *sizes) {
  uint32_t *place = find(usage, tag, sizes);
  if (*place != 0) {
    usage->rows[*place - 1].count++;
    return true;
  }
  if (usage->count == usage->room) {
    if (!grow(usage)) {
      return false;
    }
    place = find(usage, tag, sizes);
  }
  cal_usage_row *row = &usage->rows[usage->count++];
  memcpy(row->sizes, sizes, sizeof row->sizes);
  row->count = 1;
  row->tag = tag;
  *place = (uint32_t)usage->count;
  return true;
}
