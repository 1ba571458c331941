/* What the growing of programs is made of. Internal to grow*.c. */
#ifndef CAL_GROW_PARTS_H
#define CAL_GROW_PARTS_H

#include "grow.h"

/* Bits in the order of flat, from the most significant of each byte. */
typedef struct cal_bits {
  uint8_t *bytes; /* zeros beyond `count` */
  size_t room;    /* bytes */
  size_t count;   /* bits */
} cal_bits;

void cal_bits_put(cal_bits *bits, unsigned value, unsigned width);
void cal_bits_natural(cal_bits *bits, uint64_t value);
void cal_bits_pad(cal_bits *bits);
void cal_bits_bytestring(cal_bits *bits, const uint8_t *bytes, size_t length);

/* Choices, one after another; 0 where they have ended. */
typedef struct cal_choices {
  const uint8_t *bytes;
  size_t left;
  bool groups; /* whether there may be group elements */
} cal_choices;

/* Below `bound`, which is 1 to 65536. */
unsigned cal_choose(cal_choices *choices, unsigned bound);

/* The end of the type that begins here; a type is known by its first letter, so that a part of one
 * needs no copy. */
const char *cal_type_end(const char *type);
bool cal_same_type(const char *one, const char *other);

/* Whether something of type `given` may stand where `wanted` is asked for. */
bool cal_fits(const char *given, const char *wanted);

/* Whether there are constants of the type, or, `of_lists`, of lists of it: of group elements there
 * are empty lists alone. */
bool cal_is_constant_type(const char *type, bool of_lists);

/* Matches a builtin's type, whose variables are a and b, with a type, and binds the variables that
 * are not bound yet. Both move behind what was matched. */
bool cal_match(const char **pattern, const char **type, const char *bound[2]);

/* Whether a builtin keeps what has the type of a variable in a constant. */
bool cal_needs_constant(const char *signature, char variable);

/* Writes a type, with what its variables are bound to, at most `room` letters. */
void cal_instantiate(const char *pattern, const char *const bound[2], char *out, size_t room);

/* A type at random, of at most some tens of letters and no zero at its end: one of constants, or
 * any. */
size_t cal_constant_type(cal_choices *choices, unsigned depth, bool of_lists, char *out);
size_t cal_any_type(cal_choices *choices, unsigned depth, bool version_1_1, char *out);

/* A constant term of a type that has some. */
void cal_write_constant(cal_bits *bits, cal_choices *choices, const char *type);
void cal_write_constant_type(cal_bits *bits, const char *type);

#endif
