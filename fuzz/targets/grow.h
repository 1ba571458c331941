/* Well-typed programs, grown from bytes.
 *
 * The bytes are choices: equal ones give equal programs, any bytes give one, and
 * where they end the program soon ends too. A program has a constant type, is
 * closed, and holds every kind of term and every builtin, in their right places;
 * nothing in it recurses. So it ends, and in no type error: with a constant of
 * its type, or in a failure of a builtin that is not defined everywhere.
 *
 * A type is a string in prefix notation (fuzz/build.py writes the builtins' so):
 * one letter for integer i, bytestring y, string s, unit u, bool o, data d,
 * value v, G1 1, G2 2, a pairing's result m; L, A, P for lists, arrays, pairs;
 * F for functions, D for what is delayed, C with a tag and a number of fields for
 * a constructor. Data that was made by one constructor is I, Y, Q (a list), M or
 * K, and is data too: what takes data apart asks for these, so that it succeeds. */
#ifndef CAL_GROW_H
#define CAL_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAL_GROWN_BYTES = 256 * 1024, CAL_MOST_TYPE = 96 };

typedef struct cal_soil {
  const uint8_t *choices;
  size_t count;
  bool builtins[128];      /* by flat tag: those that may be used */
  bool version_1_1;        /* whether constructors and cases may be */
  bool cases_of_constants; /* whether a case may scrutinise a constant */
} cal_soil;

typedef struct cal_grown {
  uint8_t flat[CAL_GROWN_BYTES];
  size_t length;
  char type[CAL_MOST_TYPE];
} cal_grown;

/* Every builtin that has a signature, and all else. */
void cal_soil_allow_all(cal_soil *soil);

void cal_grow(const cal_soil *soil, cal_grown *grown);

/* Whether a flat program is a constant of this type. */
bool cal_is_constant_of(const uint8_t *flat, size_t length, const char *type);

#endif
