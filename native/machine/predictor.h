/* A simulated predictor of indirect branches: how often a processor would not
 * foresee where the machine goes next.
 *
 * Tables of tagged entries are indexed by the last 2, 6, 14, 32 and 64 targets;
 * the one with the longest history that knows the place predicts, and where none
 * does, a table by site (Seznec and Michaud, "A case for (partially) tagged
 * geometric history length branch prediction", JILP 8, 2006; ITTAGE is its form
 * for indirect targets). It is no model of one processor: sizes are such that
 * programs as large as contracts do not fit, as they do not in real ones. Which
 * places of a program share an entry is chance, and makes some programs miss half
 * again as often as others; so several predictors, which hash by salts of their
 * own, see the same run, and their mean counts.
 */
#ifndef CAL_PREDICTOR_H
#define CAL_PREDICTOR_H

#include <stdbool.h>
#include <stdint.h>

/* Where the machine goes on by data. Targets of each are small numbers. Jumps to
 * one of many places have predictors of their own, that do not see operands: a
 * program hardly differs in where its operands are without differing in its
 * jumps, and with operands among them contracts are predicted half as well again
 * off. */
typedef enum cal_site {
  CAL_SITE_COMPUTE, /* by the kind of node */
  CAL_SITE_GIVE,    /* by the kind of continuation */
  CAL_SITE_BUILTIN, /* by the builtin */
  CAL_SITE_OPERAND, /* by where an operand is that is a value already */
  CAL_SITES
} cal_site;

enum { CAL_PREDICTOR_TABLES = 5, CAL_PREDICTOR_ENTRIES = 256, CAL_PREDICTOR_HISTORY = 64 };

typedef struct cal_prediction {
  uint16_t tag; /* 0 for an entry not in use */
  uint8_t target;
  uint8_t confidence; /* 0 to 3 */
  uint8_t useful;     /* 0 to 3: how often it was right where shorter histories were not */
} cal_prediction;

typedef struct cal_predictor {
  cal_prediction tables[CAL_PREDICTOR_TABLES][CAL_PREDICTOR_ENTRIES];
  cal_prediction base[CAL_SITES];
  uint8_t recent[CAL_PREDICTOR_HISTORY]; /* targets, a ring */
  uint32_t at;
  uint64_t hashes[CAL_PREDICTOR_TABLES];  /* of the last targets, as many as each table reads */
  uint64_t leaving[CAL_PREDICTOR_TABLES]; /* what the oldest of them is multiplied by */
  uint64_t salt;
  int tables_used; /* those of the shortest histories */
  uint64_t misses[CAL_SITES];
} cal_predictor;

void cal_predictor_begin(cal_predictor *predictor, uint64_t salt, int tables);

/* Has it see one branch; `misses` counts it, by its site, where it was not foreseen. */
void cal_predictor_see(cal_predictor *predictor, cal_site site, unsigned target);

#endif
