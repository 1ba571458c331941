/* The policies of a built-in Value, and the part of it that some of them have:
 * CIP-0168. The filters walk through the list of policies once and change a
 * tree entry by entry, so each identifier takes as long as the tree is deep, as
 * they are priced; nothing below a policy is touched. */
#include "builtins/assets.h"
#include "builtins/families.h"

enum { MOST_POLICIES = 8191 }; /* of a value that is filtered */

/* The policies in ascending order. */
cal_status cal_policies(const cal_call *call, const cal_value *a, cal_value *result) {
  cal_begin_scratch(call);
  size_t count = 0;
  const cal_asset **entries = cal_asset_entries(call->scratch, cal_currencies(a[0]), &count);
  cal_value list = entries == NULL ? 0 : cal_make_nil(call->arena, &cal_type_bytestring);
  while (list != 0 && count > 0) {
    list = cal_make_cell(call->arena, &cal_type_bytestring, cal_from_object(entries[--count]->key),
                         CAL_AS(cal_list, list));
  }
  return cal_return(call, list, result);
}

cal_status cal_assetCount(const cal_call *call, const cal_value *a, cal_value *result) {
  return cal_return(call, cal_make_size(call->arena, cal_assets_tally(a[0]).entries), result);
}

/* What one policy of the list does to the tree that becomes the result: nothing
 * if it has done so before. `all` are the policies of the argument. False where
 * the arena is exhausted. */
typedef bool (*policy_step)(const cal_call *call, const cal_asset *all, const cal_bytes *policy,
                            const cal_asset **tree);

static bool keep(const cal_call *call, const cal_asset *all, const cal_bytes *policy,
                 const cal_asset **tree) {
  const cal_asset *entry = cal_asset_find(all, policy);
  if (entry == NULL || cal_asset_find(*tree, policy) != NULL) {
    return true;
  }
  *tree = cal_asset_insert(call->arena, *tree, entry);
  return *tree != NULL;
}

static bool drop(const cal_call *call, const cal_asset *all, const cal_bytes *policy,
                 const cal_asset **tree) {
  (void)all;
  return cal_asset_find(*tree, policy) == NULL ||
         cal_asset_remove(call->arena, *tree, policy, tree);
}

/* Arguments: policies, value. */
static cal_status filter(const cal_call *call, const cal_value *a, const char *name,
                         policy_step step, const cal_asset *tree, cal_value *result) {
  const cal_asset *all = cal_currencies(a[1]);
  if (cal_assets_tally(a[1]).currencies > MOST_POLICIES) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: a value of more than %d policies", name,
                    MOST_POLICIES);
  }
  for (const cal_list *cell = CAL_AS(cal_list, a[0]); cell->head.form != 0; cell = cell->rest) {
    if (!step(call, all, CAL_AS(cal_bytes, cell->first), &tree)) {
      return cal_exhausted(call);
    }
  }
  return cal_return(call, cal_make_assets(call->arena, tree), result);
}

cal_status cal_keepPolicies(const cal_call *call, const cal_value *a, cal_value *result) {
  return filter(call, a, "keepPolicies", keep, NULL, result);
}

cal_status cal_dropPolicies(const cal_call *call, const cal_value *a, cal_value *result) {
  return filter(call, a, "dropPolicies", drop, cal_currencies(a[1]), result);
}
