/* The tags of terms in flat (plutus-core-specification, appendix C). Internal to
 * native/codec. */
#ifndef CAL_FLAT_TAGS_H
#define CAL_FLAT_TAGS_H

enum {
  TAG_VAR,
  TAG_DELAY,
  TAG_LAMBDA,
  TAG_APPLY,
  TAG_CONSTANT,
  TAG_FORCE,
  TAG_ERROR,
  TAG_BUILTIN,
  TAG_CONSTR,
  TAG_CASE
};
enum { TAG_BITS = 4, BUILTIN_BITS = 7 };

#endif
