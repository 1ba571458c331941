/* Where GMP takes its scratch space from.
 *
 * GMP aborts the process where the system refuses it memory, and that cannot be
 * caught: its functions have no way to fail. So what they may need is set aside
 * before they are called, where running out is an ordinary status, and their
 * requests are served from there. A loan is of the calling thread.
 *
 * The sizes set aside are at least twice what GMP was seen to ask for, over all
 * sizes of operands; a test holds that no request goes beyond. One that did
 * would be served as ever, by the functions that were installed before.
 */
#ifndef CAL_GMP_MEMORY_H
#define CAL_GMP_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/arena.h"

/* Installs the functions; calling it again does nothing. */
void cal_gmp_install(void);

/* Limbs that a product or a quotient of operands of `limbs` limbs in all may
 * need. Up to some size GMP takes the stack, and 0 is enough. */
size_t cal_gmp_scratch(size_t limbs);

/* Lends GMP `limbs` limbs of an arena, which must not be emptied before the loan
 * ends. False where the arena is exhausted. Loans do not nest. */
bool cal_gmp_lend(cal_arena *arena, size_t limbs);
void cal_gmp_end_loan(void);

/* How many requests during loans this thread's loans could not serve. */
size_t cal_gmp_overruns(void);

#endif
