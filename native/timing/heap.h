/* Where malloc puts what comes next. */
#ifndef CAL_HEAP_H
#define CAL_HEAP_H

#include <stddef.h>

/* Fills the holes that earlier allocations left in the heap, for good, and lets
 * the rest of it begin `offset` bytes behind the start of a page: what is
 * allocated from now on lies where it would lie in any process, whatever this
 * one did before. `offset` is a multiple of 16. Other C libraries than the GNU
 * one, and other allocators, are left alone. */
void cal_heap_settle(size_t offset);

#endif
