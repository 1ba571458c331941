/* Plutus Data as CBOR, both ways, with the rules of the ledger: tags 121-127,
 * 1280-1400 and 102 for constructors; byte strings and big integers in pieces
 * of at most 64 bytes. The heads are read and written by libcbor. */
#ifndef CAL_CBOR_H
#define CAL_CBOR_H

#include "machine/arena.h"
#include "machine/status.h"
#include "machine/value.h"

/* Reads one Data value from `bytes`: from all of them where it is the `whole`,
 * else from the first. Iterative in its depth.
 * Out: *value, in `arena`; byte strings may point into `bytes`, which must
 * therefore live as long as the arena. */
cal_status cal_data_from_cbor(cal_arena *arena, const uint8_t *bytes, size_t length, bool whole,
                              cal_value *value, cal_error *error);

/* Writes a Data value. Out: *bytes and *length, in `arena`. CAL_OUT_OF_MEMORY
 * where it would be longer than `most`: Data that shares its parts may be of any
 * length when written. A constructor beyond 64 bits is written so that it cannot
 * be read back, as in the ledger; *readable says whether there is none. */
cal_status cal_data_to_cbor(cal_arena *arena, cal_value data, size_t most, const uint8_t **bytes,
                            size_t *length, bool *readable, cal_error *error);

#endif
