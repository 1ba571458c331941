/* Operations on the built-in Value: CIP-0153 and CIP-0168. */
#include "builtins/assets.h"
#include "builtins/families.h"
#include "builtins/integers.h"

static const cal_bytes *key_of(cal_value value) { return CAL_AS(cal_bytes, value); }

static cal_status give(const cal_call *call, const cal_asset *currencies, cal_value *result) {
  return cal_return(call, cal_make_assets(call->arena, currencies), result);
}

/* Puts an entry into a value's currencies, or takes it out if it has nothing. */
static cal_status replace(const cal_call *call, cal_value value, const cal_asset *currency,
                          cal_value *result) {
  const cal_asset *rest = NULL;
  if (currency->tokens != NULL) {
    rest = cal_asset_insert(call->arena, cal_currencies(value), currency);
    return rest == NULL ? cal_exhausted(call) : give(call, rest, result);
  }
  return cal_asset_remove(call->arena, cal_currencies(value), currency->key, &rest)
             ? give(call, rest, result)
             : cal_exhausted(call);
}

static cal_status delete_coin(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_asset *currency = cal_asset_find(cal_currencies(a[3]), key_of(a[0]));
  if (currency == NULL || cal_asset_find(currency->tokens, key_of(a[1])) == NULL) {
    *result = a[3];
    return CAL_OK;
  }
  cal_asset smaller = {.key = currency->key};
  return cal_asset_remove(call->arena, currency->tokens, key_of(a[1]), &smaller.tokens)
             ? replace(call, a[3], &smaller, result)
             : cal_exhausted(call);
}

/* Arguments: currency, token, quantity, value. A quantity of 0 deletes, and then
 * the identifiers may be of any length. */
cal_status cal_insertCoin(const cal_call *call, const cal_value *a, cal_value *result) {
  if (a[2] == cal_from_small(0)) {
    return delete_coin(call, a, result);
  }
  const cal_asset *currency = cal_asset_find(cal_currencies(a[3]), key_of(a[0]));
  const cal_asset token = {.key = key_of(a[1]), .quantity = a[2]};
  cal_asset larger = {.key = key_of(a[0])};
  const char *problem = cal_asset_problem(NULL, &token);
  if (problem == NULL) {
    larger.tokens =
        cal_asset_insert(call->arena, currency == NULL ? NULL : currency->tokens, &token);
    if (larger.tokens == NULL) {
      return cal_exhausted(call);
    }
    problem = cal_asset_problem(NULL, &larger);
  }
  return problem == NULL ? replace(call, a[3], &larger, result)
                         : cal_fail(call->error, CAL_FAILED, "builtin insertCoin: %s", problem);
}

/* Arguments: currency, token, value. */
cal_status cal_lookupCoin(const cal_call *call, const cal_value *a, cal_value *result) {
  (void)call;
  const cal_asset *found = cal_asset_find(cal_currencies(a[2]), key_of(a[0]));
  if (found != NULL) {
    found = cal_asset_find(found->tokens, key_of(a[1]));
  }
  *result = found == NULL ? cal_from_small(0) : found->quantity;
  return CAL_OK;
}

/* What becomes of two entries with one key. Out: *both, of which quantity and
 * tokens are set; neither where nothing is left. */
typedef cal_status (*combination)(const cal_call *call, const cal_asset *x, const cal_asset *y,
                                  cal_asset *both);

static cal_status add_quantities(const cal_call *call, const cal_asset *x, const cal_asset *y,
                                 cal_asset *both) {
  const cal_value sum = cal_integer_add(call, x->quantity, y->quantity);
  if (sum == 0) {
    return cal_exhausted(call);
  }
  if (!cal_fits_bits(sum, CAL_QUANTITY_BITS)) {
    return cal_fail(call->error, CAL_FAILED, "builtin unionValue: a quantity beyond 128 bits");
  }
  both->quantity = sum == cal_from_small(0) ? 0 : sum;
  return CAL_OK;
}

/* The union of two trees. Out: *tree, NULL if nothing is left. */
static cal_status merge(const cal_call *call, const cal_asset *left, const cal_asset *right,
                        combination combine, const cal_asset **tree) {
  size_t lefts = 0;
  size_t rights = 0;
  const cal_asset **x = cal_asset_entries(call->scratch, left, &lefts);
  const cal_asset **y = cal_asset_entries(call->scratch, right, &rights);
  cal_asset *merged = cal_alloc_array(call->arena, lefts + rights, sizeof *merged);
  if (x == NULL || y == NULL || merged == NULL) {
    return cal_exhausted(call);
  }
  size_t count = 0;
  for (size_t i = 0, j = 0; i < lefts || j < rights;) {
    const int order = i == lefts ? 1 : j == rights ? -1 : cal_compare_bytes(x[i]->key, y[j]->key);
    merged[count] = *(order <= 0 ? x[i] : y[j]);
    if (order == 0) {
      merged[count].quantity = 0;
      merged[count].tokens = NULL;
      const cal_status status = combine(call, x[i], y[j], &merged[count]);
      if (status != CAL_OK) {
        return status;
      }
    }
    i += order <= 0 ? 1U : 0U;
    j += order >= 0 ? 1U : 0U;
    count += merged[count].quantity != 0 || merged[count].tokens != NULL ? 1U : 0U;
  }
  *tree = cal_asset_tree(merged, count);
  return CAL_OK;
}

static cal_status merge_tokens(const cal_call *call, const cal_asset *x, const cal_asset *y,
                               cal_asset *both) {
  return merge(call, x->tokens, y->tokens, add_quantities, &both->tokens);
}

cal_status cal_unionValue(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_asset *left = cal_currencies(a[0]);
  const cal_asset *right = cal_currencies(a[1]);
  if (left == NULL || right == NULL) {
    *result = left == NULL ? a[1] : a[0];
    return CAL_OK;
  }
  cal_begin_scratch(call);
  const cal_asset *merged = NULL;
  const cal_status status = merge(call, left, right, merge_tokens, &merged);
  return status != CAL_OK ? status : give(call, merged, result);
}

static bool at_most(cal_value x, cal_value y) { return cal_integer_compare(x, y) <= 0; }

/* Whether each of `tokens` is in `container` in at least that quantity. */
static bool contains_tokens(const cal_asset *container, const cal_asset *tokens) {
  cal_asset_cursor wanted;
  cal_asset_cursor held;
  cal_asset_begin(&wanted, tokens);
  cal_asset_begin(&held, container);
  const cal_asset *token;
  while ((token = cal_asset_next(&wanted)) != NULL) {
    const cal_asset *found = cal_asset_seek(&held, token->key);
    if (found == NULL || !at_most(token->quantity, found->quantity)) {
      return false;
    }
  }
  return true;
}

static bool contains_currencies(const cal_asset *container, const cal_asset *currencies) {
  cal_asset_cursor wanted;
  cal_asset_cursor held;
  cal_asset_begin(&wanted, currencies);
  cal_asset_begin(&held, container);
  const cal_asset *currency;
  while ((currency = cal_asset_next(&wanted)) != NULL) {
    const cal_asset *found = cal_asset_seek(&held, currency->key);
    if (found == NULL || !contains_tokens(found->tokens, currency->tokens)) {
      return false;
    }
  }
  return true;
}

/* Whether the first value has at least what the second has. */
cal_status cal_valueContains(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_tally container = cal_assets_tally(a[0]);
  const cal_tally contained = cal_assets_tally(a[1]);
  if (container.negatives != 0 || contained.negatives != 0) {
    return cal_fail(call->error, CAL_FAILED, "builtin valueContains: a negative quantity");
  }
  /* Fewer entries say no at once, as the shape that prices it has it. */
  *result = cal_from_bool(container.entries >= contained.entries &&
                          contains_currencies(cal_currencies(a[0]), cal_currencies(a[1])));
  return CAL_OK;
}

/* Out: *scaled, a tree of tokens. */
static cal_status scale_tokens(const cal_call *call, cal_value factor, const cal_asset *tokens,
                               const cal_asset **scaled) {
  size_t count = 0;
  const cal_asset **entries = cal_asset_entries(call->scratch, tokens, &count);
  cal_asset *made = cal_alloc_array(call->arena, count, sizeof *made);
  if (entries == NULL || made == NULL) {
    return cal_exhausted(call);
  }
  for (size_t i = 0; i < count; i++) {
    const cal_value product = cal_integer_multiply(call, factor, entries[i]->quantity);
    if (product == 0) {
      return cal_exhausted(call);
    }
    if (!cal_fits_bits(product, CAL_QUANTITY_BITS)) {
      return cal_fail(call->error, CAL_FAILED, "builtin scaleValue: a quantity beyond 128 bits");
    }
    made[i] = (cal_asset){.key = entries[i]->key, .quantity = product};
  }
  *scaled = cal_asset_tree(made, count);
  return CAL_OK;
}

/* Arguments: factor, value. */
cal_status cal_scaleValue(const cal_call *call, const cal_value *a, cal_value *result) {
  if (a[0] == cal_from_small(0)) {
    return give(call, NULL, result);
  }
  cal_begin_scratch(call);
  size_t count = 0;
  const cal_asset **entries = cal_asset_entries(call->scratch, cal_currencies(a[1]), &count);
  cal_asset *made = cal_alloc_array(call->arena, count, sizeof *made);
  if (entries == NULL || made == NULL) {
    return cal_exhausted(call);
  }
  for (size_t i = 0; i < count; i++) {
    made[i] = (cal_asset){.key = entries[i]->key};
    const cal_status status = scale_tokens(call, a[0], entries[i]->tokens, &made[i].tokens);
    if (status != CAL_OK) {
      return status;
    }
  }
  return give(call, cal_asset_tree(made, count), result);
}
