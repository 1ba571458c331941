#define _DEFAULT_SOURCE /* madvise */
#include "machine/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct cal_chunk {
  cal_chunk *newer;
  size_t size; /* of the usable part that follows the header */
};

enum {
  FIRST_CHUNK = 64 * 1024,
  HUGE_PAGE = 2 * 1024 * 1024,
  LARGEST_CHUNK = 2 * HUGE_PAGE - sizeof(cal_chunk),
  KEPT_BY_RESET = 8 * 1024 * 1024,
  SPARED = 256 * 1024 * 1024 /* bytes that a thread keeps of the arenas that it has released:
                                what a script takes that fills a transaction's memory */
};

/* A script lives for one call, so one arena follows another; without these, the
 * system would take the pages back and clear them anew for each, which is most of
 * the time of a script that fills a transaction's memory. */
static _Thread_local cal_chunk *spares;
static _Thread_local size_t spared;

/* The smallest spare of `least` to `most` bytes, or NULL. */
static cal_chunk *take_spare(size_t least, size_t most) {
  cal_chunk **best = NULL;
  for (cal_chunk **link = &spares; *link != NULL; link = &(*link)->newer) {
    const size_t size = (*link)->size;
    if (size >= least && size <= most && (best == NULL || size < (*best)->size)) {
      best = link;
      if (size == least) {
        break;
      }
    }
  }
  if (best == NULL) {
    return NULL;
  }
  cal_chunk *chunk = *best;
  *best = chunk->newer;
  spared -= chunk->size;
  return chunk;
}

static void spare_or_free(cal_chunk *chunk) {
  if (chunk->size > SPARED - spared) {
    free(chunk);
    return;
  }
  chunk->newer = spares;
  spares = chunk;
  spared += chunk->size;
}

/* Where an arena without chunks points, so that an empty block has an address. */
static unsigned char nothing[CAL_ALIGN];

void cal_arena_init(cal_arena *arena, size_t cap) {
  memset(arena, 0, sizeof *arena);
  arena->next = nothing;
  arena->end = nothing;
  arena->start = nothing;
  arena->cap = cap;
}

void cal_arena_init_within(cal_arena *arena, cal_arena *owner) {
  cal_arena_init(arena, 0);
  arena->owner = owner;
}

/* The arena whose ceiling counts. */
static cal_arena *account_of(cal_arena *arena) {
  return arena->owner == NULL ? arena : arena->owner;
}

/* Bytes that may still be taken from the system. */
static size_t headroom(cal_arena *arena) {
  const cal_arena *account = account_of(arena);
  return account->cap - account->held;
}

void cal_arena_drop_spares(void) {
  while (spares != NULL) {
    cal_chunk *chunk = spares;
    spares = chunk->newer;
    free(chunk);
  }
  spared = 0;
}

static unsigned char *payload(const cal_chunk *chunk) {
  return (unsigned char *)(uintptr_t)(chunk + 1);
}

static void enter(cal_arena *arena, cal_chunk *chunk) {
  arena->current = chunk;
  arena->next = payload(chunk);
  arena->end = arena->next + chunk->size;
  arena->start = payload(arena->first);
}

static void free_chain(cal_arena *arena, cal_chunk *chunk) {
  while (chunk != NULL) {
    cal_chunk *newer = chunk->newer;
    account_of(arena)->held -= sizeof *chunk + chunk->size;
    spare_or_free(chunk);
    chunk = newer;
  }
}

void cal_arena_release(cal_arena *arena) {
  free_chain(arena, arena->first);
  const cal_arena emptied = *arena;
  cal_arena_init(arena, emptied.cap);
  arena->owner = emptied.owner;
  arena->held = emptied.held;
}

size_t cal_arena_used(const cal_arena *arena) {
  size_t used = 0;
  if (arena->current != NULL) {
    used = (size_t)(arena->next - payload(arena->current));
    for (const cal_chunk *chunk = arena->first; chunk != arena->current; chunk = chunk->newer) {
      used += chunk->size;
    }
  }
  return used - arena->unfitted;
}

void cal_arena_reset(cal_arena *arena) {
  if (arena->first == NULL) {
    return;
  }
  if (arena->first->size > KEPT_BY_RESET) {
    cal_arena_release(arena);
    return;
  }
  arena->unfitted = 0;
  cal_chunk *last = arena->first;
  size_t kept = last->size;
  while (last->newer != NULL && kept + last->newer->size <= KEPT_BY_RESET) {
    last = last->newer;
    kept += last->size;
  }
  free_chain(arena, last->newer);
  last->newer = NULL;
  enter(arena, arena->first);
}

/* A script that fills a transaction's memory writes as fast as the processor finds its pages: the
 * largest chunks are whole huge pages where the system has them to give. */
static cal_chunk *chunk_of_system(size_t size) {
  if (size < LARGEST_CHUNK) {
    return malloc(sizeof(cal_chunk) + size);
  }
  void *found = NULL;
  if (posix_memalign(&found, HUGE_PAGE, sizeof(cal_chunk) + size) != 0) {
    return NULL;
  }
  (void)madvise(found, (sizeof(cal_chunk) + size) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
  return found;
}

static cal_chunk *new_chunk(cal_arena *arena, size_t size) {
  /* Chunks double, so that a run of any size makes few of them. */
  size_t wanted = FIRST_CHUNK;
  if (arena->current != NULL) {
    wanted = arena->current->size;
    wanted = wanted < LARGEST_CHUNK / 2 ? 2 * wanted : LARGEST_CHUNK;
  }
  if (wanted < size) {
    wanted = size;
  }
  const size_t room = headroom(arena);
  if (room < sizeof(cal_chunk) || room - sizeof(cal_chunk) < size) {
    return NULL;
  }
  if (wanted > room - sizeof(cal_chunk)) {
    wanted = size;
  }
  cal_chunk *chunk = take_spare(wanted, room - sizeof *chunk);
  if (chunk == NULL) {
    chunk = chunk_of_system(wanted);
    if (chunk == NULL) {
      return NULL;
    }
    chunk->size = wanted;
  }
  account_of(arena)->held += sizeof *chunk + chunk->size;
  return chunk;
}

void *cal_arena_grow(cal_arena *arena, size_t size) {
  cal_chunk *kept = arena->current == NULL ? NULL : arena->current->newer;
  if (kept == NULL || kept->size < size) {
    cal_chunk *chunk = new_chunk(arena, size);
    if (chunk == NULL) {
      return NULL;
    }
    chunk->newer = kept;
    if (arena->current == NULL) {
      arena->first = chunk;
    } else {
      arena->current->newer = chunk;
    }
    kept = chunk;
  }
  arena->unfitted += (size_t)(arena->end - arena->next);
  enter(arena, kept);
  void *block = arena->next;
  arena->next += size;
  return block;
}

#ifdef __SSE2__
/* Whole vectors of 16 bytes from an aligned address on, past the caches. */
static void stream(unsigned char *into, const unsigned char *from, size_t size) {
  for (size_t i = 0; i < size; i += sizeof(__m128i)) {
    _mm_stream_si128((__m128i *)(void *)(into + i),
                     _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
  }
  _mm_sfence();
}
#endif

/* Where no cache can hold the block any more, the processor is kept from loading
 * its old content first, which takes as long as writing the new. */
void cal_copy_long(const cal_arena *arena, void *block, const void *bytes, size_t size) {
#ifdef __SSE2__
  enum { VECTOR = 16, BEYOND_CACHES = 16 * 1024 * 1024 };
  if (size >= CAL_LONG_COPY / 2 && arena->held > BEYOND_CACHES) {
    unsigned char *into = block;
    const unsigned char *from = bytes;
    const size_t before = (VECTOR - (uintptr_t)into % VECTOR) % VECTOR;
    const size_t whole = (size - before) / VECTOR * VECTOR;
    memcpy(into, from, before);
    stream(into + before, from + before, whole);
    memcpy(into + before + whole, from + before + whole, size - before - whole);
    return;
  }
#else
  (void)arena;
#endif
  memcpy(block, bytes, size);
}

void cal_stack_init(cal_stack *stack, cal_arena *arena) {
  memset(stack, 0, sizeof *stack);
  stack->arena = arena;
}

void cal_stack_release(cal_stack *stack) {
  free(stack->base);
  account_of(stack->arena)->held -= stack->capacity;
  stack->base = NULL;
  stack->used = 0;
  stack->capacity = 0;
}

int cal_stack_grow(cal_stack *stack, size_t size) {
  const size_t most = stack->capacity + headroom(stack->arena);
  if (size > most || stack->used > most - size) {
    return -1;
  }
  size_t capacity = stack->capacity < 4096 ? 4096 : stack->capacity;
  while (capacity < stack->used + size) {
    capacity *= 2;
  }
  if (capacity > most) {
    capacity = most;
  }
  unsigned char *base = realloc(stack->base, capacity);
  if (base == NULL) {
    return -1;
  }
  account_of(stack->arena)->held += capacity - stack->capacity;
  stack->base = base;
  stack->capacity = capacity;
  return 0;
}
