/* The arena with every block an allocation of its own, linked in place of
 * native/machine/arena.c: AddressSanitizer then sees what runs over the end of
 * a block, and a refused allocation can hit every place that asks for one.
 * Cap and bookkeeping are as in the original, whose stacks serve unchanged. */
#include "machine/arena.h"


#define cal_arena_grow unused_grow
#define cal_arena_reset unused_reset
#define cal_arena_release release_to_spares
void *cal_arena_grow(cal_arena *arena, size_t size);
void cal_arena_reset(cal_arena *arena);
void cal_arena_release(cal_arena *arena);
#include "machine/arena.c"
#undef cal_arena_grow
#undef cal_arena_reset
#undef cal_arena_release

/* A block that is kept for the next arena would still be good to use. */
void cal_arena_release(cal_arena *arena) {
  release_to_spares(arena);
  cal_arena_drop_spares();
}

void cal_arena_reset(cal_arena *arena) { cal_arena_release(arena); }

void *cal_arena_grow(cal_arena *arena, size_t size) {
  const size_t room = arena->cap - arena->held;
  if (room < sizeof(cal_chunk) || room - sizeof(cal_chunk) < size) {
    return NULL;
  }
  cal_chunk *chunk = malloc(sizeof *chunk + size);
  if (chunk == NULL) {
    return NULL;
  }
  *chunk = (cal_chunk){.newer = NULL, .size = size};
  arena->held += sizeof *chunk + size;
  if (arena->current == NULL) {
    arena->first = chunk;
  } else {
    arena->current->newer = chunk;
  }
  arena->current = chunk;
  /* `next` and `end` stay where they were, at nothing: the next block comes here too. */
  return payload(chunk);
}
