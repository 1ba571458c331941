#include "machine/costs.h"

#include <string.h>

typedef int64_t units;

static units linear(const units *k, units size) {
  return cal_sat_add(k[0], cal_sat_mul(k[1], size));
}

static units quadratic(const units *k, units size) {
  return cal_sat_add(cal_sat_add(k[0], cal_sat_mul(k[1], size)),
                     cal_sat_mul(cal_sat_mul(k[2], size), size));
}

static units linear_in_two(const units *k, units a, units b) {
  return cal_sat_add(cal_sat_add(k[0], cal_sat_mul(k[1], a)), cal_sat_mul(k[2], b));
}

/* k: c00, c01, c02, c10, c11, c20, minimum. */
static units quadratic_in_two(const units *k, units a, units b) {
  units total = cal_sat_add(cal_sat_add(k[0], cal_sat_mul(k[3], a)), cal_sat_mul(k[1], b));
  total = cal_sat_add(total, cal_sat_mul(cal_sat_mul(k[5], a), a));
  total = cal_sat_add(total, cal_sat_mul(cal_sat_mul(k[4], a), b));
  total = cal_sat_add(total, cal_sat_mul(cal_sat_mul(k[2], b), b));
  return total < k[6] ? k[6] : total;
}

/* k: c00, c10, c01, c11. */
static units with_interaction(const units *k, units x, units y) {
  const units slopes = cal_sat_add(cal_sat_mul(k[1], x), cal_sat_mul(k[2], y));
  return cal_sat_add(cal_sat_add(slopes, cal_sat_mul(k[3], cal_sat_mul(x, y))), k[0]);
}

static units exp_mod(const units *k, units base, units exponent, units modulus) {
  units total = cal_sat_add(k[0], cal_sat_mul(cal_sat_mul(k[1], exponent), modulus));
  total =
      cal_sat_add(total, cal_sat_mul(cal_sat_mul(cal_sat_mul(k[2], exponent), modulus), modulus));
  if (base <= modulus) {
    return total;
  }
  const units half = total / 2 - (total < 0 && total % 2 != 0 ? 1 : 0);
  return cal_sat_add(total, half);
}

static units lesser(units a, units b) { return a < b ? a : b; }

static units greater(units a, units b) { return a < b ? b : a; }

/* Every shape but the diagonal ones, which are made of these. */
static units plain(cal_shape shape, const units *k, const units *s) {
  switch (shape) {
  case CAL_SHAPE_CONSTANT_COST:
    return k[0];
  case CAL_SHAPE_LINEAR_IN_X:
    return linear(k, s[0]);
  case CAL_SHAPE_LINEAR_IN_Y:
    return linear(k, s[1]);
  case CAL_SHAPE_LINEAR_IN_Z:
    return linear(k, s[2]);
  case CAL_SHAPE_LINEAR_IN_U:
    return linear(k, s[3]);
  case CAL_SHAPE_QUADRATIC_IN_X:
    return quadratic(k, s[0]);
  case CAL_SHAPE_QUADRATIC_IN_Y:
    return quadratic(k, s[1]);
  case CAL_SHAPE_QUADRATIC_IN_Z:
    return quadratic(k, s[2]);
  case CAL_SHAPE_LINEAR_IN_X_AND_Y:
    return linear_in_two(k, s[0], s[1]);
  case CAL_SHAPE_LINEAR_IN_Y_AND_Z:
    return linear_in_two(k, s[1], s[2]);
  case CAL_SHAPE_ADDED_SIZES:
    return linear(k, cal_sat_add(s[0], s[1]));
  case CAL_SHAPE_MULTIPLIED_SIZES:
    return linear(k, cal_sat_mul(s[0], s[1]));
  case CAL_SHAPE_MIN_SIZE:
    return linear(k, lesser(s[0], s[1]));
  case CAL_SHAPE_MAX_SIZE:
    return linear(k, greater(s[0], s[1]));
  case CAL_SHAPE_SUBTRACTED_SIZES: /* k: intercept, minimum, slope */
    return cal_sat_add(k[0], cal_sat_mul(k[2], greater(k[1], cal_sat_sub(s[0], s[1]))));
  case CAL_SHAPE_LINEAR_IN_Y2: /* k: intercept, minimum (unused), slope */
    return cal_sat_add(k[0], cal_sat_mul(k[2], s[1]));
  case CAL_SHAPE_LINEAR_ON_DIAGONAL: /* k: constant, intercept, slope */
    return s[0] == s[1] ? linear(k + 1, s[0]) : k[0];
  case CAL_SHAPE_QUADRATIC_IN_X_AND_Y:
    return quadratic_in_two(k, s[0], s[1]);
  case CAL_SHAPE_QUADRATIC_IN_Y_AND_Z:
    return quadratic_in_two(k, s[1], s[2]);
  case CAL_SHAPE_WITH_INTERACTION_IN_X_AND_Y:
    return with_interaction(k, s[0], s[1]);
  case CAL_SHAPE_LINEAR_IN_MAX_YZ:
    return linear(k, greater(s[1], s[2]));
  case CAL_SHAPE_LITERAL_IN_Y_OR_LINEAR_IN_Z:
    return s[1] == 0 ? linear(k, s[2]) : s[1];
  case CAL_SHAPE_EXP_MOD_COST:
    return exp_mod(k, s[0], s[1], s[2]);
  default:
    return INT64_MAX; /* unpacking lets no other through */
  }
}

int64_t cal_costing_evaluate(const cal_costing *costing, const int64_t *sizes) {
  const int64_t *k = costing->k;
  switch (costing->shape) {
  case CAL_SHAPE_CONST_OFF_DIAGONAL:
    return sizes[0] == sizes[1] ? plain(costing->inner, k + 1, sizes) : k[0];
  case CAL_SHAPE_CONST_ABOVE_DIAGONAL:
    return sizes[0] >= sizes[1] ? plain(costing->inner, k + 1, sizes) : k[0];
  case CAL_SHAPE_CONST_BELOW_DIAGONAL:
    return sizes[0] <= sizes[1] ? plain(costing->inner, k + 1, sizes) : k[0];
  case CAL_SHAPE_ABOVE_AND_BELOW_DIAGONAL: {
    const int64_t ordered[2] = {greater(sizes[0], sizes[1]), lesser(sizes[0], sizes[1])};
    return plain(costing->inner, k + 1, ordered);
  }
  default:
    return plain(costing->shape, k, sizes);
  }
}

/* What unpacking has to know of a shape. Bit i of `reads`: the size of argument i. */
typedef struct shape_facts {
  uint8_t reads;
  bool diagonal; /* has an inner shape */
} shape_facts;

static const shape_facts shapes[CAL_SHAPES] = {[CAL_SHAPE_CONSTANT_COST] = {0, false},
                                               [CAL_SHAPE_LINEAR_IN_X] = {1, false},
                                               [CAL_SHAPE_LINEAR_IN_Y] = {2, false},
                                               [CAL_SHAPE_LINEAR_IN_Z] = {4, false},
                                               [CAL_SHAPE_LINEAR_IN_U] = {8, false},
                                               [CAL_SHAPE_QUADRATIC_IN_X] = {1, false},
                                               [CAL_SHAPE_QUADRATIC_IN_Y] = {2, false},
                                               [CAL_SHAPE_QUADRATIC_IN_Z] = {4, false},
                                               [CAL_SHAPE_LINEAR_IN_X_AND_Y] = {3, false},
                                               [CAL_SHAPE_LINEAR_IN_Y_AND_Z] = {6, false},
                                               [CAL_SHAPE_ADDED_SIZES] = {3, false},
                                               [CAL_SHAPE_MULTIPLIED_SIZES] = {3, false},
                                               [CAL_SHAPE_MIN_SIZE] = {3, false},
                                               [CAL_SHAPE_MAX_SIZE] = {3, false},
                                               [CAL_SHAPE_SUBTRACTED_SIZES] = {3, false},
                                               [CAL_SHAPE_LINEAR_IN_Y2] = {2, false},
                                               [CAL_SHAPE_LINEAR_ON_DIAGONAL] = {3, false},
                                               [CAL_SHAPE_QUADRATIC_IN_X_AND_Y] = {3, false},
                                               [CAL_SHAPE_QUADRATIC_IN_Y_AND_Z] = {6, false},
                                               [CAL_SHAPE_WITH_INTERACTION_IN_X_AND_Y] = {3, false},
                                               [CAL_SHAPE_LINEAR_IN_MAX_YZ] = {6, false},
                                               [CAL_SHAPE_LITERAL_IN_Y_OR_LINEAR_IN_Z] = {6, false},
                                               [CAL_SHAPE_EXP_MOD_COST] = {7, false},
                                               [CAL_SHAPE_CONST_OFF_DIAGONAL] = {3, true},
                                               [CAL_SHAPE_CONST_ABOVE_DIAGONAL] = {3, true},
                                               [CAL_SHAPE_CONST_BELOW_DIAGONAL] = {3, true},
                                               [CAL_SHAPE_ABOVE_AND_BELOW_DIAGONAL] = {3, true}};

static bool unpack_row(const int64_t *row, cal_costing *costing) {
  if (row[0] < 0 || row[0] >= CAL_SHAPES || row[1] < 0 || row[1] >= CAL_SHAPES) {
    return false;
  }
  /* A diagonal shape has an inner one that is not, any other has none. */
  const bool inner_is_right = shapes[row[0]].diagonal
                                  ? row[1] != CAL_SHAPE_ABSENT && !shapes[row[1]].diagonal
                                  : row[1] == CAL_SHAPE_ABSENT;
  if (!inner_is_right) {
    return false;
  }
  costing->shape = (cal_shape)row[0];
  costing->inner = (cal_shape)row[1];
  memcpy(costing->k, row + 2, sizeof costing->k);
  return true;
}

int64_t cal_cost(const int64_t *row, const int64_t *sizes) {
  cal_costing costing;
  if (!unpack_row(row, &costing) || costing.shape == CAL_SHAPE_ABSENT) {
    return INT64_MIN;
  }
  return cal_costing_evaluate(&costing, sizes);
}

cal_status cal_costs_unpack(const int64_t *packed, size_t length, cal_costs *costs,
                            cal_error *error) {
  if (length != CAL_PACK_LENGTH) {
    return cal_fail(error, CAL_MALFORMED, "a packed cost model of %zu numbers instead of %d",
                    length, CAL_PACK_LENGTH);
  }
  memset(costs, 0, sizeof *costs);
  for (int tag = 0; tag < CAL_BUILTINS; tag++) {
    cal_builtin_cost *cost = &costs->builtins[tag];
    const int64_t *row = packed + (ptrdiff_t)tag * 2 * CAL_PACK_WIDTH;
    if (!unpack_row(row, &cost->cpu) || !unpack_row(row + CAL_PACK_WIDTH, &cost->mem)) {
      return cal_fail(error, CAL_MALFORMED, "the packed cost of builtin %d has an unknown shape",
                      tag);
    }
    cost->reads = (uint8_t)(shapes[cost->cpu.shape].reads | shapes[cost->cpu.inner].reads |
                            shapes[cost->mem.shape].reads | shapes[cost->mem.inner].reads);
    /* A size that the builtin does not have must not be read. */
    cost->reads &= (uint8_t)((1U << cal_builtins[tag].arity) - 1U);
  }
  for (int tag = CAL_BUILTINS; tag < CAL_BUILTIN_ROWS; tag++) {
    costs->builtins[tag].cpu.shape = CAL_SHAPE_CONSTANT_COST;
    costs->builtins[tag].mem.shape = CAL_SHAPE_CONSTANT_COST;
  }
  const int64_t *steps = packed + CAL_BUILTINS * 2 * CAL_PACK_WIDTH;
  costs->startup = (cal_ex_units){steps[0], steps[1]};
  for (int step = 0; step < CAL_STEPS; step++) {
    costs->steps[step] = (cal_ex_units){steps[2 + 2 * step], steps[3 + 2 * step]};
  }
  return CAL_OK;
}
