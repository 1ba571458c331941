#include "machine/gmp_memory.h"

#include <gmp.h>
#include <stdint.h>
#include <string.h>

enum { ALIGN = 16 }; /* as malloc gives it */

typedef struct loan {
  unsigned char *base; /* NULL: there is none */
  unsigned char *next;
  unsigned char *end;
  size_t overruns;
} loan;

static _Thread_local loan current;

static void *(*plain_allocate)(size_t);
static void *(*plain_reallocate)(void *, size_t, size_t);
static void (*plain_free)(void *, size_t);

static size_t rounded(size_t size) { return (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1); }

static bool is_lent(const void *block) {
  const uintptr_t address = (uintptr_t)block;
  return current.base != NULL && address >= (uintptr_t)current.base &&
         address < (uintptr_t)current.end;
}

/* NULL where the loan has no place for it. */
static void *from_loan(size_t size) {
  if (current.base == NULL) {
    return NULL;
  }
  if (size > SIZE_MAX / 2 || (size_t)(current.end - current.next) < rounded(size)) {
    current.overruns++;
    return NULL;
  }
  void *block = current.next;
  current.next += rounded(size);
  return block;
}

static void *allocate(size_t size) {
  void *block = from_loan(size);
  return block != NULL ? block : plain_allocate(size);
}

/* Blocks mostly go in the reverse order in which they came. */
static void release(void *block, size_t size) {
  if (!is_lent(block)) {
    plain_free(block, size);
  } else if ((unsigned char *)block + rounded(size) == current.next) {
    current.next = block;
  }
}

static void *reallocate(void *block, size_t old_size, size_t size) {
  if (!is_lent(block)) {
    return plain_reallocate(block, old_size, size);
  }
  void *moved = allocate(size);
  if (moved != NULL) {
    memcpy(moved, block, old_size < size ? old_size : size);
  }
  return moved;
}

void cal_gmp_install(void) {
  if (plain_allocate == NULL) {
    mp_get_memory_functions(&plain_allocate, &plain_reallocate, &plain_free);
    mp_set_memory_functions(allocate, reallocate, release);
  }
}

size_t cal_gmp_scratch(size_t limbs) {
  enum { STACK_SUFFICES = 512, TIMES = 8, BESIDES = 1024 };
  return limbs < STACK_SUFFICES ? 0 : limbs * TIMES + BESIDES;
}

bool cal_gmp_lend(cal_arena *arena, size_t limbs) {
  if (limbs == 0) {
    return true;
  }
  const size_t size = limbs * sizeof(mp_limb_t);
  unsigned char *block = cal_alloc_array(arena, limbs + 1, sizeof(mp_limb_t));
  if (block == NULL) {
    return false;
  }
  block += (uintptr_t)block % ALIGN; /* an arena aligns to 8 */
  current.base = block;
  current.next = block;
  current.end = block + size;
  return true;
}

void cal_gmp_end_loan(void) { current.base = NULL; }

size_t cal_gmp_overruns(void) { return current.overruns; }
