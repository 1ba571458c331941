/* The arena with every block an allocation of its own, linked in place of
 * native/machine/arena.c: AddressSanitizer then sees what runs over the end of
 * a block, and a refused allocation can hit every place that asks for one.
 * Cap and bookkeeping are as in the original, whose stacks serve unchanged. */
#define _DEFAULT_SOURCE /* as the original says, whose turn comes too late */
#include "machine/arena.h"

#define cal_arena_grow unused_grow
#define cal_arena_reset unused_reset
#define cal_arena_release release_to_spares
#define cal_arena_used unused_used
void *cal_arena_grow(cal_arena *arena, size_t size);
void cal_arena_reset(cal_arena *arena);
void cal_arena_release(cal_arena *arena);
size_t cal_arena_used(const cal_arena *arena);
#undef _DEFAULT_SOURCE
#include "machine/arena.c"
#undef cal_arena_grow
#undef cal_arena_reset
#undef cal_arena_release
#undef cal_arena_used

/* A block that is kept for the next arena would still be good to use. */
void cal_arena_release(cal_arena *arena) {
  release_to_spares(arena);
  cal_arena_drop_spares();
}

void cal_arena_reset(cal_arena *arena) { cal_arena_release(arena); }

size_t cal_arena_used(const cal_arena *arena) {
  size_t used = 0;
  for (const cal_chunk *chunk = arena->first; chunk != NULL; chunk = chunk->newer) {
    used += chunk->size;
  }
  return used;
}

void *cal_arena_grow(cal_arena *arena, size_t size) {
  const size_t room = headroom(arena);
  if (room < sizeof(cal_chunk) || room - sizeof(cal_chunk) < size) {
    return NULL;
  }
  cal_chunk *chunk = malloc(sizeof *chunk + size);
  if (chunk == NULL) {
    return NULL;
  }
  *chunk = (cal_chunk){.newer = NULL, .size = size};
  account_of(arena)->held += sizeof *chunk + size;
  if (arena->current == NULL) {
    arena->first = chunk;
  } else {
    arena->current->newer = chunk;
  }
  arena->current = chunk;
  arena->start = NULL; /* which says that the arena is not empty */
  /* `next` and `end` stay where they were, at nothing: the next block comes here too. */
  return payload(chunk);
}
