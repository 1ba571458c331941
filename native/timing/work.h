/* What one iteration of a batch does. */
#ifndef CAL_WORK_H
#define CAL_WORK_H

#include "machine/machine.h"

typedef enum cal_work_kind {
  CAL_WORK_EVALUATE, /* run the script; the machine keeps its memory */
  CAL_WORK_START,    /* run it, and give the machine's memory back to the system */
  CAL_WORK_PREPARE,  /* decode the flat bytes, apply the arguments, free the script */
  CAL_WORK_CALL,     /* decode, apply, run, give the memory back, free */
  CAL_WORK_SETUP,    /* make a machine from a packed cost model, and free it */
  CAL_WORK_HASH      /* a fixed loop of integer arithmetic: a yardstick */
} cal_work_kind;

/* What an iteration comes to. Fields that its kind has nothing to say about
 * are 0. */
typedef struct cal_work_result {
  cal_ex_units spent;
  uint64_t nodes; /* of the script with its arguments */
  uint64_t hash;
} cal_work_result;

/* Pointers are borrowed and must outlive the work. */
typedef struct cal_work {
  cal_work_kind kind;
  cal_machine *machine;     /* EVALUATE, START, CALL */
  const cal_script *script; /* EVALUATE, START */
  const uint8_t *flat;      /* PREPARE, CALL, with what follows */
  size_t flat_length;
  const cal_decode_options *options;
  const uint8_t *const *arguments; /* Data as CBOR */
  const size_t *argument_lengths;
  size_t argument_count;
  const int64_t *packed; /* SETUP, with what follows */
  size_t packed_length;
  cal_variant variant;
  cal_ex_units budget;
  cal_work_result expected; /* every batch is held to it */
} cal_work;

/* One iteration. Anything but success is a failure, with its reason. */
cal_status cal_work_once(const cal_work *work, cal_work_result *result, cal_error *error);

/* CAL_FAILED where a result is not the one expected. */
cal_status cal_work_check(const cal_work *work, const cal_work_result *result, cal_error *error);

#endif
