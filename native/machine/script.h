/* A decoded script, with the arguments applied to it so far. */
#ifndef CAL_SCRIPT_H
#define CAL_SCRIPT_H

#include "machine/arena.h"
#include "machine/node.h"
#include "machine/status.h"

/* What may occur in a script, which depends on the ledger language and the
 * protocol version; the caller knows those rules. */
typedef struct cal_decode_options {
  uint8_t builtins[128];  /* by flat tag: 1 where the builtin is available */
  uint8_t version_1_1;    /* whether UPLC 1.1.0 is */
  uint8_t group_elements; /* accept BLS constants, as text does and chain scripts do not */
  uint8_t own_frames;     /* each variable gets a frame of its own, so that frames count binders */
  uint32_t max_fields;    /* of a constructor; UINT32_MAX for no bound */
  uint32_t max_type_size; /* of a constant's type, one for each node, applications included */
  size_t memory_cap;      /* bytes that the script may take in memory */
} cal_decode_options;

typedef struct cal_script {
  cal_arena arena;
  cal_part root;
  uint64_t version[3];
  size_t nodes; /* terms in the program as written, arguments included */
} cal_script;

/* Out: *script, to be freed with cal_script_free. On failure it is NULL and
 * nothing is held. Does not keep `bytes`. */
cal_status cal_script_decode(const uint8_t *bytes, size_t length, const cal_decode_options *options,
                             cal_script **script, cal_error *error);

/* An empty script, for decoders. NULL when the system has no memory. */
cal_script *cal_script_new(size_t memory_cap);

void cal_script_free(cal_script *script);

/* Applies the script to a Data constant given as CBOR. */
cal_status cal_script_apply_data(cal_script *script, const uint8_t *cbor, size_t length,
                                 cal_error *error);

#endif
