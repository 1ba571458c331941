/* The policies of a built-in Value, and the part of it that some of them have:
 * CIP-0168. The filters look each policy of the list up once, which takes as long
 * as the tree is deep, as they are priced, and note its rank in the tree; what is
 * made of the result is in proportion to that, and nothing below a policy is
 * touched. */
#include "builtins/assets.h"
#include "builtins/families.h"

#include <string.h>

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

/* The policies of a value that a list names, as a set of their ranks. */
typedef struct named {
  uint64_t ranks[(MOST_POLICIES + 64) / 64];
  const cal_asset *entries[MOST_POLICIES]; /* by rank, of those in the set */
  size_t all;                              /* policies of the value */
  size_t count;                            /* in the set */
} named;

static bool is_named(const named *set, size_t rank) {
  return (set->ranks[rank / 64] >> rank % 64 & 1U) != 0;
}

static void name_all(named *set, const cal_list *policies, const cal_asset *tree) {
  set->all = tree == NULL ? 0 : tree->tally.currencies;
  set->count = 0;
  memset(set->ranks, 0, (set->all + 63) / 64 * sizeof *set->ranks);
  for (; policies->head.form != 0; policies = policies->rest) {
    size_t rank = 0;
    const cal_asset *entry = cal_asset_ranked(tree, CAL_AS(cal_bytes, policies->first), &rank);
    if (entry != NULL && !is_named(set, rank)) {
      set->ranks[rank / 64] |= UINT64_C(1) << rank % 64;
      set->entries[rank] = entry;
      set->count++;
    }
  }
}

/* The least rank in the set from `rank` on; there is one. */
static size_t next_named(const named *set, size_t rank) {
  size_t word = rank / 64;
  uint64_t ranks = set->ranks[word] >> rank % 64 << rank % 64;
  while (ranks == 0) {
    ranks = set->ranks[++word];
  }
  return 64 * word + (size_t)__builtin_ctzll(ranks);
}

/* A value of some of another's policies, in ascending order. */
static cal_status give(const cal_call *call, cal_asset *policies, size_t count, cal_value *result) {
  return cal_return(call, cal_make_assets(call->arena, cal_asset_tree(policies, count)), result);
}

/* Takes out one after another, for which the path to each is made anew. */
static cal_status take_out(const cal_call *call, const named *set, const cal_asset *tree,
                           cal_value *result) {
  for (size_t rank = 0, done = 0; done < set->count; rank++, done++) {
    rank = next_named(set, rank);
    if (!cal_asset_remove(call->arena, tree, set->entries[rank]->key, &tree)) {
      return cal_exhausted(call);
    }
  }
  return cal_return(call, cal_make_assets(call->arena, tree), result);
}

/* Makes a tree of what is left. */
static cal_status leave(const cal_call *call, const named *set, const cal_asset *tree,
                        cal_value *result) {
  size_t count = 0;
  cal_begin_scratch(call);
  const cal_asset **entries = cal_asset_entries(call->scratch, tree, &count);
  cal_asset *left = cal_alloc_array(call->arena, count - set->count + 1, sizeof *left);
  if (entries == NULL || left == NULL) {
    return cal_exhausted(call);
  }
  size_t found = 0;
  for (size_t rank = 0; rank < count; rank++) {
    if (!is_named(set, rank)) {
      left[found++] = *entries[rank];
    }
  }
  return give(call, left, found, result);
}

static cal_status refuse(const cal_call *call, const char *name) {
  return cal_fail(call->error, CAL_FAILED, "builtin %s: a value of more than %d policies", name,
                  MOST_POLICIES);
}

/* Arguments: policies, value. */
cal_status cal_keepPolicies(const cal_call *call, const cal_value *a, cal_value *result) {
  if (cal_assets_tally(a[1]).currencies > MOST_POLICIES) {
    return refuse(call, "keepPolicies");
  }
  named set;
  name_all(&set, CAL_AS(cal_list, a[0]), cal_currencies(a[1]));
  cal_asset *kept = cal_alloc_array(call->arena, set.count + 1, sizeof *kept);
  if (kept == NULL) {
    return cal_exhausted(call);
  }
  for (size_t rank = 0, found = 0; found < set.count; rank++, found++) {
    rank = next_named(&set, rank);
    kept[found] = *set.entries[rank];
  }
  return give(call, kept, set.count, result);
}

/* Arguments: policies, value. */
cal_status cal_dropPolicies(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_asset *tree = cal_currencies(a[1]);
  if (cal_assets_tally(a[1]).currencies > MOST_POLICIES) {
    return refuse(call, "dropPolicies");
  }
  named set;
  name_all(&set, CAL_AS(cal_list, a[0]), tree);
  if (set.count == 0) {
    *result = a[1];
    return CAL_OK;
  }
  return set.count * tree->height < set.all - set.count ? take_out(call, &set, tree, result)
                                                        : leave(call, &set, tree, result);
}
