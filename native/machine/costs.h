/* A cost model in the form that the machine spends by.
 *
 * It arrives from Python as one array of int64 (`costmodel.model.costmodel`): for
 * each flat tag a row of CAL_PACK_WIDTH for CPU and one for memory – shape,
 * inner shape, coefficients in the shape's order of fields, the inner model's
 * behind those of a diagonal shape – then CPU and memory of start-up and of
 * the nine kinds of step, -1 where the model has no price. The shapes and their formulas are those
 * of `costmodel/model/shapes.py`; a property test holds the two equal.
 */
#ifndef CAL_COSTS_H
#define CAL_COSTS_H

#include "builtins/table.h"
#include "machine/status.h"
#include "machine/units.h"

/* ORDER: ShapeId in costmodel/model/shapes.py, and native/cdef/machine.h. */
typedef enum cal_shape {
  CAL_SHAPE_ABSENT,
  CAL_SHAPE_CONSTANT_COST,
  CAL_SHAPE_LINEAR_IN_X,
  CAL_SHAPE_LINEAR_IN_Y,
  CAL_SHAPE_LINEAR_IN_Z,
  CAL_SHAPE_LINEAR_IN_U,
  CAL_SHAPE_QUADRATIC_IN_X,
  CAL_SHAPE_QUADRATIC_IN_Y,
  CAL_SHAPE_QUADRATIC_IN_Z,
  CAL_SHAPE_LINEAR_IN_X_AND_Y,
  CAL_SHAPE_LINEAR_IN_Y_AND_Z,
  CAL_SHAPE_ADDED_SIZES,
  CAL_SHAPE_MULTIPLIED_SIZES,
  CAL_SHAPE_MIN_SIZE,
  CAL_SHAPE_MAX_SIZE,
  CAL_SHAPE_SUBTRACTED_SIZES,
  CAL_SHAPE_LINEAR_IN_Y2,
  CAL_SHAPE_LINEAR_ON_DIAGONAL,
  CAL_SHAPE_QUADRATIC_IN_X_AND_Y,
  CAL_SHAPE_QUADRATIC_IN_Y_AND_Z,
  CAL_SHAPE_WITH_INTERACTION_IN_X_AND_Y,
  CAL_SHAPE_LINEAR_IN_MAX_YZ,
  CAL_SHAPE_LITERAL_IN_Y_OR_LINEAR_IN_Z,
  CAL_SHAPE_EXP_MOD_COST,
  CAL_SHAPE_CONST_OFF_DIAGONAL,
  CAL_SHAPE_CONST_ABOVE_DIAGONAL,
  CAL_SHAPE_CONST_BELOW_DIAGONAL,
  CAL_SHAPE_ABOVE_AND_BELOW_DIAGONAL,
  CAL_SHAPES
} cal_shape;

/* ORDER: StepKind in costmodel/model/costmodel.py. */
typedef enum cal_step {
  CAL_STEP_CONST,
  CAL_STEP_VAR,
  CAL_STEP_LAM,
  CAL_STEP_APPLY,
  CAL_STEP_DELAY,
  CAL_STEP_FORCE,
  CAL_STEP_BUILTIN,
  CAL_STEP_CONSTR,
  CAL_STEP_CASE,
  CAL_STEPS
} cal_step;

enum {
  CAL_PACK_WIDTH = 12,
  CAL_COEFFICIENTS = CAL_PACK_WIDTH - 2,
  CAL_PACK_LENGTH = CAL_BUILTINS * 2 * CAL_PACK_WIDTH + (1 + CAL_STEPS) * 2
};

typedef struct cal_costing {
  cal_shape shape;
  cal_shape inner;
  int64_t k[CAL_COEFFICIENTS];
} cal_costing;

typedef struct cal_builtin_cost {
  cal_costing cpu;
  cal_costing mem;
  uint8_t reads; /* bit i: the size of argument i matters to either */
} cal_builtin_cost;

typedef struct cal_costs {
  cal_builtin_cost builtins[CAL_BUILTIN_ROWS]; /* the no-ops cost nothing */
  cal_ex_units startup;
  cal_ex_units steps[CAL_STEPS];
} cal_costs;

/* Out: *costs. CAL_MALFORMED where the array is not as described. */
cal_status cal_costs_unpack(const int64_t *packed, size_t length, cal_costs *costs,
                            cal_error *error);

/* The cost by one packed row of CAL_PACK_WIDTH at up to CAL_MAX_ARITY sizes, for
 * comparison with the Python side. INT64_MIN where the row is no costing function. */
int64_t cal_cost(const int64_t *row, const int64_t *sizes);

/* The cost at the given sizes of the arguments. */
int64_t cal_costing_evaluate(const cal_costing *costing, const int64_t *sizes);

#endif
