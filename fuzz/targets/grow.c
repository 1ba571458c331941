#include "grow.h"

#include <string.h>

#include "codec/flat_tags.h"
#include "grow_parts.h"
#include "signatures.h" /* made by fuzz/build.py */
#include "target.h"

enum {
  FUEL = 150,
  DEEPEST = 24,
  MOST_BOUND = 512,
  LETTERS = 64 * 1024, /* of types */
  LETTERS_LEFT = 8 * 1024,
  TYPE_DEPTH = 2
};

typedef struct tree {
  const cal_soil *soil;
  cal_choices choices;
  cal_bits bits;
  int fuel;
  int depth;
  const char *bound[MOST_BOUND]; /* types of variables, the innermost last */
  size_t bound_count;
  char letters[LETTERS];
  size_t letters_used;
} tree;

static void grow(tree *it, const char *type);
static void grow_leaf(tree *it, const char *type);

static void put_tag(tree *it, unsigned tag) { cal_bits_put(&it->bits, tag, TAG_BITS); }

static bool is_spent(const tree *it) {
  return it->fuel <= 0 || it->depth >= DEEPEST || it->choices.left == 0 ||
         it->letters_used > LETTERS - LETTERS_LEFT || it->bound_count > MOST_BOUND / 2 ||
         it->bits.count / 8 > CAL_GROWN_BYTES / 4;
}

static const char *any_type(tree *it) {
  char *type = it->letters + it->letters_used;
  it->letters_used += cal_any_type(&it->choices, TYPE_DEPTH, it->soil->version_1_1, type);
  return type;
}

static const char *constant_type(tree *it) {
  char *type = it->letters + it->letters_used;
  it->letters_used += cal_constant_type(&it->choices, TYPE_DEPTH, false, type);
  return type;
}

/* A type of a head and the parts that exist already. */
static const char *composed(tree *it, const char *head, const char *const *parts, unsigned count) {
  char *type = it->letters + it->letters_used;
  size_t used = strlen(head);
  memcpy(type, head, used);
  for (unsigned part = 0; part < count; part++) {
    const size_t length = (size_t)(cal_type_end(parts[part]) - parts[part]);
    CAL_CHECK(it->letters_used + used + length < LETTERS);
    memcpy(type + used, parts[part], length);
    used += length;
  }
  it->letters_used += used;
  return type;
}

static void put_lambda(tree *it, const char *type) {
  CAL_CHECK(it->bound_count < MOST_BOUND);
  put_tag(it, TAG_LAMBDA);
  it->bound[it->bound_count++] = type;
}

/* Whether there is a variable of the type; then it is written. */
static bool grow_variable(tree *it, const char *type) {
  size_t count = 0;
  for (size_t i = 0; i < it->bound_count; i++) {
    count += cal_fits(it->bound[i], type);
  }
  if (count == 0) {
    return false;
  }
  size_t chosen = cal_choose(&it->choices, (unsigned)count);
  for (size_t i = it->bound_count; i > 0; i--) {
    if (cal_fits(it->bound[i - 1], type) && chosen-- == 0) {
      put_tag(it, TAG_VAR);
      cal_bits_natural(&it->bits, it->bound_count - i + 1);
      return true;
    }
  }
  return false;
}

static void put_builtin(tree *it, unsigned tag, unsigned arguments) {
  for (unsigned i = 0; i < arguments; i++) {
    put_tag(it, TAG_APPLY);
  }
  for (unsigned i = 0; i < cal_signatures[tag].forces; i++) {
    put_tag(it, TAG_FORCE);
  }
  put_tag(it, TAG_BUILTIN);
  cal_bits_put(&it->bits, tag, BUILTIN_BITS);
}

/* What there are no constants of is made by the one builtin that always succeeds. */
static void grow_group_leaf(tree *it, const char *type) {
  if (*type == 'm') {
    put_builtin(it, CAL_MILLER_LOOP, 2);
    grow_leaf(it, "1");
    grow_leaf(it, "2");
  } else {
    put_builtin(it, *type == '1' ? CAL_HASH_TO_G1 : CAL_HASH_TO_G2, 2);
    grow_leaf(it, "y");
    put_tag(it, TAG_CONSTANT);
    cal_write_constant_type(&it->bits, "y");
    cal_bits_bytestring(&it->bits, (const uint8_t *)"calibrate", 9);
  }
}

static void grow_constr(tree *it, const char *type, void (*field)(tree *, const char *)) {
  put_tag(it, TAG_CONSTR);
  cal_bits_natural(&it->bits, (uint64_t)(type[1] - '0'));
  const char *part = type + 3;
  for (int left = type[2] - '0'; left > 0; left--, part = cal_type_end(part)) {
    cal_bits_put(&it->bits, 1, 1);
    field(it, part);
  }
  cal_bits_put(&it->bits, 0, 1);
}

/* Takes a type apart as far as it has to be, and is done. */
static void grow_leaf(tree *it, const char *type) {
  if (grow_variable(it, type)) {
    return;
  }
  switch (*type) {
  case '1':
  case '2':
  case 'm':
    grow_group_leaf(it, type);
    break;
  case 'F':
    put_lambda(it, type + 1);
    grow_leaf(it, cal_type_end(type + 1));
    it->bound_count--;
    break;
  case 'D':
    put_tag(it, TAG_DELAY);
    grow_leaf(it, type + 1);
    break;
  case 'C':
    grow_constr(it, type, grow_leaf);
    break;
  default:
    put_tag(it, TAG_CONSTANT);
    cal_write_constant(&it->bits, &it->choices, type);
  }
}

/* Whether a builtin, applied to `given` arguments, is of the type; and what its variables are then.
 */
static bool suits(const cal_signature *signature, unsigned given, const char *type,
                  const char *bound[2]) {
  const char *pattern = signature->types;
  for (unsigned i = 0; i < given; i++) {
    pattern = cal_type_end(pattern);
  }
  for (unsigned i = given; i < signature->arity; i++) {
    if (*type++ != 'F' || !cal_match(&pattern, &type, bound)) {
      return false;
    }
  }
  const bool is_some_data =
      *type == 'd' && given == signature->arity && strchr("IYQMK", *pattern) != NULL;
  if (!is_some_data && !cal_match(&pattern, &type, bound)) {
    return false;
  }
  const bool of_lists = strchr(signature->types, 'P') == NULL;
  for (int i = 0; i < 2; i++) {
    if (bound[i] != NULL && cal_needs_constant(signature->types, (char)('a' + i)) &&
        !cal_is_constant_type(bound[i], of_lists)) {
      return false;
    }
  }
  return true;
}

/* The builtin of that place among those of the type, or, beyond them, how many there are. */
static unsigned builtin_at(const tree *it, const char *type, unsigned place, unsigned *tag,
                           unsigned *given, const char *bound[2]) {
  unsigned count = 0;
  for (*tag = 0; *tag < 128; ++*tag) {
    const cal_signature *signature = &cal_signatures[*tag];
    if (signature->types == NULL || !it->soil->builtins[*tag]) {
      continue;
    }
    for (*given = *type == 'F' ? 0 : signature->arity; *given <= signature->arity; ++*given) {
      bound[0] = bound[1] = NULL;
      if (suits(signature, *given, type, bound) && count++ == place) {
        return count;
      }
    }
  }
  return count;
}

static bool grow_builtin(tree *it, const char *type) {
  unsigned tag = 0;
  unsigned given = 0;
  const char *bound[2];
  const unsigned count = builtin_at(it, type, UINT32_MAX, &tag, &given, bound);
  if (count == 0) {
    return false;
  }
  /* Those that give what they get, like headList, suit every type, and would crowd out the others.
   */
  for (unsigned tries = 0; tries == 0 || (tries < 3 && cal_signatures[tag].gives_any); tries++) {
    (void)builtin_at(it, type, cal_choose(&it->choices, count), &tag, &given, bound);
  }
  const cal_signature *signature = &cal_signatures[tag];
  for (int i = 0; i < 2; i++) {
    if (bound[i] == NULL) {
      bound[i] = constant_type(it);
    }
  }
  put_builtin(it, tag, given);
  const char *pattern = signature->types;
  for (unsigned i = 0; i < given; i++, pattern = cal_type_end(pattern)) {
    char *argument = it->letters + it->letters_used;
    cal_instantiate(pattern, bound, argument, LETTERS - it->letters_used);
    it->letters_used += (size_t)(cal_type_end(argument) - argument);
    grow(it, argument);
  }
  return true;
}

/* A branch: lambdas for what it gets, and something of the type. */
static void grow_branch(tree *it, const char *const *gets, unsigned count, const char *type) {
  cal_bits_put(&it->bits, 1, 1);
  for (unsigned i = 0; i < count; i++) {
    put_lambda(it, gets[i]);
  }
  grow(it, type);
  it->bound_count -= count;
}

static void grow_case_of_constr(tree *it, const char *type) {
  static const char *const heads[3][3] = {
      {"C00", "C01", "C02"}, {"C10", "C11", "C12"}, {"C20", "C21", "C22"}};
  const unsigned tag = cal_choose(&it->choices, 3);
  const unsigned count = cal_choose(&it->choices, 3);
  const char *fields[2] = {NULL, NULL};
  for (unsigned i = 0; i < count; i++) {
    fields[i] = any_type(it);
  }
  put_tag(it, TAG_CASE);
  grow(it, composed(it, heads[tag][count], fields, count));
  for (unsigned branch = 0; branch < tag; branch++) {
    grow_branch(it, NULL, 0, type); /* which is not taken */
  }
  grow_branch(it, fields, count, type);
  cal_bits_put(&it->bits, 0, 1);
}

static void grow_case_of_constant(tree *it, const char *type) {
  const char *parts[2];
  put_tag(it, TAG_CASE);
  switch (cal_choose(&it->choices, 5)) {
  case 0:
    grow(it, "u");
    grow_branch(it, NULL, 0, type);
    break;
  case 1:
    grow(it, "o");
    grow_branch(it, NULL, 0, type);
    grow_branch(it, NULL, 0, type);
    break;
  case 2:
    grow(it, "i"); /* which may have no branch */
    for (unsigned count = 1 + cal_choose(&it->choices, 4); count > 0; count--) {
      grow_branch(it, NULL, 0, type);
    }
    break;
  case 3:
    parts[0] = constant_type(it);
    parts[1] = composed(it, "L", parts, 1);
    grow(it, parts[1]);
    grow_branch(it, parts, 2, type);
    grow_branch(it, NULL, 0, type);
    break;
  default:
    parts[0] = constant_type(it);
    parts[1] = constant_type(it);
    grow(it, composed(it, "P", parts, 2));
    grow_branch(it, parts, 2, type);
  }
  cal_bits_put(&it->bits, 0, 1);
}

/* A term that computes something on its way. */
static void grow_redex(tree *it, const char *type) {
  const char *parts[2] = {NULL, type};
  switch (
      cal_choose(&it->choices, it->soil->version_1_1 ? it->soil->cases_of_constants ? 7 : 5 : 3)) {
  case 0:
    put_tag(it, TAG_FORCE);
    grow(it, composed(it, "D", parts + 1, 1));
    break;
  case 1:
    put_tag(it, TAG_APPLY);
    parts[0] = any_type(it);
    grow(it, composed(it, "F", parts, 2));
    grow(it, parts[0]);
    break;
  case 2:
    put_tag(it, TAG_APPLY);
    parts[0] = any_type(it);
    put_lambda(it, parts[0]);
    grow(it, type);
    it->bound_count--;
    grow(it, parts[0]);
    break;
  case 3:
  case 4:
    grow_case_of_constr(it, type);
    break;
  default:
    grow_case_of_constant(it, type);
  }
}

/* What makes a value of the type. */
static void grow_maker(tree *it, const char *type) {
  switch (*type) {
  case 'F':
    put_lambda(it, type + 1);
    grow(it, cal_type_end(type + 1));
    it->bound_count--;
    break;
  case 'D':
    put_tag(it, TAG_DELAY);
    grow(it, type + 1);
    break;
  case 'C':
    grow_constr(it, type, grow);
    break;
  default:
    grow_leaf(it, type);
  }
}

static void grow(tree *it, const char *type) {
  if (is_spent(it)) {
    grow_leaf(it, type);
    return;
  }
  it->fuel--;
  it->depth++;
  const unsigned kind = cal_choose(&it->choices, 64);
  if (kind == 63 && cal_choose(&it->choices, 8) == 7) {
    put_tag(it, TAG_ERROR);
  } else if (kind < 6) {
    grow_leaf(it, type);
  } else if (kind < 12) {
    grow_maker(it, type);
  } else if (kind < 22) {
    grow_redex(it, type);
  } else if (!grow_builtin(it, type)) {
    grow_maker(it, type);
  }
  it->depth--;
}

void cal_soil_allow_all(cal_soil *soil) {
  for (unsigned tag = 0; tag < 128; tag++) {
    soil->builtins[tag] = cal_signatures[tag].types != NULL;
  }
  soil->version_1_1 = true;
  soil->cases_of_constants = true;
}

void cal_grow(const cal_soil *soil, cal_grown *grown) {
  static tree it;
  memset(&it, 0, sizeof it);
  memset(grown, 0, sizeof *grown);
  it.soil = soil;
  it.choices = (cal_choices){soil->choices, soil->count, soil->builtins[CAL_MILLER_LOOP]};
  it.bits = (cal_bits){grown->flat, sizeof grown->flat, 0};
  it.fuel = FUEL;
  if (it.choices.groups && cal_choose(&it.choices, 8) == 7) {
    *grown->type = "12"[cal_choose(&it.choices, 2)];
  } else {
    (void)cal_constant_type(&it.choices, TYPE_DEPTH, false, grown->type);
  }
  cal_bits_natural(&it.bits, 1);
  cal_bits_natural(&it.bits, soil->version_1_1 ? 1 : 0);
  cal_bits_natural(&it.bits, 0);
  grow(&it, grown->type);
  cal_bits_pad(&it.bits);
  grown->length = it.bits.count / 8;
}

bool cal_is_constant_of(const uint8_t *flat, size_t length, const char *type) {
  enum { VERSION_BYTES = 3 };
  uint8_t start[VERSION_BYTES + 5 * CAL_MOST_TYPE] = {0};
  cal_bits bits = {start, sizeof start, 0};
  for (size_t i = 0; i < VERSION_BYTES && i < length; i++) {
    cal_bits_put(&bits, flat[i], 8);
  }
  cal_bits_put(&bits, TAG_CONSTANT, TAG_BITS);
  cal_write_constant_type(&bits, type);
  const size_t whole = bits.count / 8;
  const uint8_t mask = (uint8_t)(0xff00U >> bits.count % 8);
  return length > whole && memcmp(flat, start, whole) == 0 &&
         (flat[whole] & mask) == (start[whole] & mask);
}
