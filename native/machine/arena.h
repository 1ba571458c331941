/* A bump allocator with a ceiling.
 *
 * Everything a script or a run makes lives in one arena and goes at once:
 * there is no garbage collector, because a run that the ledger would accept
 * takes at most some hundred thousand steps and so a bounded number of bytes.
 * The ceiling is what keeps a hostile program from taking the machine's memory.
 *
 * What a builtin needs only while it computes lies in an arena of its own, which
 * is emptied before the next: results take what they are charged for, not what
 * finding them took. It counts towards the same ceiling.
 *
 * Invariant: `next <= end`; every block handed out is aligned to CAL_ALIGN.
 */
#ifndef CAL_ARENA_H
#define CAL_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAL_ALIGN = 8 };

typedef struct cal_chunk cal_chunk;

typedef struct cal_arena {
  unsigned char *next;
  unsigned char *end;
  cal_chunk *first;
  cal_chunk *current;      /* the one that `next` and `end` point into */
  unsigned char *start;    /* where `next` stands while nothing is allocated */
  struct cal_arena *owner; /* whose `held` and `cap` count; NULL for its own */
  size_t held;             /* bytes taken from the system, by stacks and dependants too */
  size_t cap;              /* `held` never exceeds it */
  size_t unfitted;         /* bytes at the ends of chunks, where the next block did not fit */
} cal_arena;

void cal_arena_init(cal_arena *arena, size_t cap);

/* An arena that counts towards the ceiling of another, which must outlive it. */
void cal_arena_init_within(cal_arena *arena, cal_arena *owner);

/* Gives all memory back, but for what the thread keeps for its next arenas. What stacks hold of the
 * cap stays theirs. The arena may be used again. */
void cal_arena_release(cal_arena *arena);

/* Gives back what this thread keeps. For a thread that ends, and for tests that
 * account for every byte. */
void cal_arena_drop_spares(void);

/* Empties the arena but keeps a few megabytes for the next run, so that a
 * repeated evaluation does not pay the system for its pages each time. */
void cal_arena_reset(cal_arena *arena);

static inline bool cal_arena_is_empty(const cal_arena *arena) {
  return arena->next == arena->start;
}

/* Bytes of the blocks handed out, whatever chunks they lie in. */
size_t cal_arena_used(const cal_arena *arena);

/* The slow path of cal_alloc: takes a new chunk. NULL at the cap. */
void *cal_arena_grow(cal_arena *arena, size_t size);

/* Returns `size` bytes, uninitialised, or NULL where the cap or the system
 * says no. A size of 0 is allowed. */
static inline void *cal_alloc(cal_arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) {
    return NULL;
  }
  const size_t rounded = (size + (CAL_ALIGN - 1)) & ~(size_t)(CAL_ALIGN - 1);
  if ((size_t)(arena->end - arena->next) < rounded) {
    return cal_arena_grow(arena, rounded);
  }
  void *block = arena->next;
  arena->next += rounded;
  return block;
}

/* Gives back the end of the block that was allocated last, so that `kept` bytes
 * of its `size` remain. Does nothing where another block follows. */
static inline void cal_arena_trim(cal_arena *arena, const void *block, size_t size, size_t kept) {
  const size_t mask = CAL_ALIGN - 1;
  unsigned char *start = arena->next - ((size + mask) & ~mask);
  if (start == block) {
    arena->next = start + ((kept + mask) & ~mask);
  }
}

/* As cal_alloc for `count` items of `size` bytes, with the product checked. */
static inline void *cal_alloc_array(cal_arena *arena, size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / 2 / size) {
    return NULL;
  }
  return cal_alloc(arena, count * size);
}

enum { CAL_LONG_COPY = 16 * 1024 };

/* Copies bytes into a block of the arena that nothing was written to yet: memcpy,
 * but faster for CAL_LONG_COPY bytes and more. */
void cal_copy_long(const cal_arena *arena, void *block, const void *bytes, size_t size);

/* A growable stack of fixed-size items, for the explicit stacks that replace
 * recursion. Lives on the heap, not in the arena, so that it can shrink away,
 * but what it holds counts towards the arena's cap: one number limits both. */
typedef struct cal_stack {
  unsigned char *base;
  size_t used;      /* bytes */
  size_t capacity;  /* bytes */
  cal_arena *arena; /* which must outlive the stack */
} cal_stack;

void cal_stack_init(cal_stack *stack, cal_arena *arena);
void cal_stack_release(cal_stack *stack);

/* Makes room for `size` more bytes. Returns 0, or -1 where the cap or the system
 * says no. */
int cal_stack_grow(cal_stack *stack, size_t size);

/* Room for one item on top, or NULL. */
static inline void *cal_stack_push(cal_stack *stack, size_t size) {
  if (stack->capacity - stack->used < size && cal_stack_grow(stack, size) != 0) {
    return NULL;
  }
  void *item = stack->base + stack->used;
  stack->used += size;
  return item;
}

/* The top item, removed; valid until the next push. NULL when empty. */
static inline void *cal_stack_pop(cal_stack *stack, size_t size) {
  if (stack->used < size) {
    return NULL;
  }
  stack->used -= size;
  return stack->base + stack->used;
}

#endif
