#include "builtins/assets.h"

cal_value cal_make_assets(cal_arena *arena, const cal_asset *currencies) {
  cal_assets *assets = cal_alloc(arena, sizeof *assets);
  if (assets != NULL) {
    *assets = (cal_assets){{.kind = CAL_MULTI_ASSET}, currencies};
  }
  return cal_from_object(assets);
}

const cal_asset *cal_currencies(cal_value value) { return CAL_AS(cal_assets, value)->currencies; }

cal_tally cal_assets_tally(cal_value value) {
  const cal_asset *currencies = cal_currencies(value);
  return currencies == NULL ? (cal_tally){0} : currencies->tally;
}

const cal_asset *cal_asset_find(const cal_asset *tree, const cal_bytes *key) {
  while (tree != NULL) {
    const int order = cal_compare_bytes(key, tree->key);
    if (order == 0) {
      return tree;
    }
    tree = order < 0 ? tree->left : tree->right;
  }
  return NULL;
}

const cal_asset *cal_asset_ranked(const cal_asset *tree, const cal_bytes *key, size_t *rank) {
  *rank = 0;
  while (tree != NULL) {
    const int order = cal_compare_bytes(key, tree->key);
    const size_t before = tree->left == NULL ? 0 : tree->left->tally.currencies;
    if (order == 0) {
      *rank += before;
      return tree;
    }
    *rank += order < 0 ? 0 : before + 1;
    tree = order < 0 ? tree->left : tree->right;
  }
  return NULL;
}

static void descend(cal_asset_cursor *cursor, const cal_asset *tree) {
  for (; tree != NULL; tree = tree->left) {
    cursor->path[cursor->depth++] = tree;
  }
}

void cal_asset_begin(cal_asset_cursor *cursor, const cal_asset *tree) {
  cursor->depth = 0;
  descend(cursor, tree);
}

const cal_asset *cal_asset_next(cal_asset_cursor *cursor) {
  if (cursor->depth == 0) {
    return NULL;
  }
  const cal_asset *entry = cursor->path[--cursor->depth];
  descend(cursor, entry->right);
  return entry;
}

const cal_asset *cal_asset_seek(cal_asset_cursor *cursor, const cal_bytes *key) {
  const cal_asset *tree = NULL;
  while (cursor->depth > 0) {
    const cal_asset *entry = cursor->path[cursor->depth - 1];
    const int order = cal_compare_bytes(key, entry->key);
    if (order == 0) {
      return cal_asset_next(cursor);
    }
    if (order < 0) {
      break;
    }
    tree = entry->right; /* the key is there, or behind all of it */
    cursor->depth--;
  }
  while (tree != NULL) {
    const int order = cal_compare_bytes(key, tree->key);
    if (order > 0) {
      tree = tree->right;
      continue;
    }
    cursor->path[cursor->depth++] = tree;
    if (order == 0) {
      return cal_asset_next(cursor);
    }
    tree = tree->left;
  }
  return NULL;
}

static cal_tally own_tally(const cal_asset *entry) {
  if (entry->tokens == NULL) {
    return (cal_tally){.entries = 1, .negatives = cal_is_negative(entry->quantity)};
  }
  const cal_tally *tokens = &entry->tokens->tally;
  return (cal_tally){1, tokens->entries, tokens->entries, tokens->negatives};
}

static void add_tally(cal_tally *tally, const cal_asset *tree) {
  if (tree != NULL) {
    tally->currencies += tree->tally.currencies;
    tally->entries += tree->tally.entries;
    tally->negatives += tree->tally.negatives;
    if (tally->widest < tree->tally.widest) {
      tally->widest = tree->tally.widest;
    }
  }
}

static uint32_t height(const cal_asset *tree) { return tree == NULL ? 0 : tree->height; }

/* Sets everything that follows from an entry's own part and its subtrees. */
static void attach(cal_asset *entry, const cal_asset *left, const cal_asset *right) {
  entry->left = left;
  entry->right = right;
  entry->tally = own_tally(entry);
  add_tally(&entry->tally, left);
  add_tally(&entry->tally, right);
  entry->height = 1 + (height(left) > height(right) ? height(left) : height(right));
}

/* A copy of an entry over two subtrees. */
static const cal_asset *join(cal_arena *arena, const cal_asset *entry, const cal_asset *left,
                             const cal_asset *right) {
  cal_asset *copy = cal_alloc(arena, sizeof *copy);
  if (copy != NULL) {
    *copy = *entry;
    attach(copy, left, right);
  }
  return copy;
}

/* `top` over two entries and their four subtrees. */
static const cal_asset *join_three(cal_arena *arena, const cal_asset *top, const cal_asset *low,
                                   const cal_asset *low_left, const cal_asset *low_right,
                                   const cal_asset *high, const cal_asset *high_left,
                                   const cal_asset *high_right) {
  const cal_asset *left = join(arena, low, low_left, low_right);
  const cal_asset *right = join(arena, high, high_left, high_right);
  return left == NULL || right == NULL ? NULL : join(arena, top, left, right);
}

/* As join, for subtrees whose heights differ by at most 2: one rotation. */
static const cal_asset *balance(cal_arena *arena, const cal_asset *entry, const cal_asset *left,
                                const cal_asset *right) {
  if (height(left) > height(right) + 1) {
    const cal_asset *middle = left->right;
    if (height(left->left) < height(middle)) {
      return join_three(arena, middle, left, left->left, middle->left, entry, middle->right, right);
    }
    const cal_asset *below = join(arena, entry, middle, right);
    return below == NULL ? NULL : join(arena, left, left->left, below);
  }
  if (height(right) > height(left) + 1) {
    const cal_asset *middle = right->left;
    if (height(right->right) < height(middle)) {
      return join_three(arena, middle, entry, left, middle->left, right, middle->right,
                        right->right);
    }
    const cal_asset *below = join(arena, entry, left, middle);
    return below == NULL ? NULL : join(arena, right, below, right->right);
  }
  return join(arena, entry, left, right);
}

const cal_asset *cal_asset_insert(cal_arena *arena, const cal_asset *tree, const cal_asset *entry) {
  if (tree == NULL) {
    return join(arena, entry, NULL, NULL);
  }
  const int order = cal_compare_bytes(entry->key, tree->key);
  if (order == 0) {
    return join(arena, entry, tree->left, tree->right);
  }
  const cal_asset *below = cal_asset_insert(arena, order < 0 ? tree->left : tree->right, entry);
  if (below == NULL) {
    return NULL;
  }
  return order < 0 ? balance(arena, tree, below, tree->right)
                   : balance(arena, tree, tree->left, below);
}

bool cal_asset_remove(cal_arena *arena, const cal_asset *tree, const cal_bytes *key,
                      const cal_asset **rest) {
  const int order = cal_compare_bytes(key, tree->key);
  if (order == 0 && (tree->left == NULL || tree->right == NULL)) {
    *rest = tree->left != NULL ? tree->left : tree->right;
    return true;
  }
  const cal_asset *top = tree;
  if (order == 0) {
    /* The next entry takes the place of the one removed. */
    for (top = tree->right; top->left != NULL;) {
      top = top->left;
    }
    key = top->key;
  }
  const cal_asset *below = NULL;
  if (!cal_asset_remove(arena, order < 0 ? tree->left : tree->right, key, &below)) {
    return false;
  }
  *rest =
      order < 0 ? balance(arena, top, below, tree->right) : balance(arena, top, tree->left, below);
  return *rest != NULL;
}

const cal_asset *cal_asset_tree(cal_asset *entries, size_t count) {
  if (count == 0) {
    return NULL;
  }
  const size_t middle = count / 2;
  const cal_asset *left = cal_asset_tree(entries, middle);
  attach(entries + middle, left, cal_asset_tree(entries + middle + 1, count - middle - 1));
  return entries + middle;
}

const cal_asset **cal_asset_entries(cal_arena *arena, const cal_asset *tree, size_t *count) {
  *count = 0;
  if (tree != NULL) {
    *count = tree->tokens == NULL ? tree->tally.entries : tree->tally.currencies;
  }
  const cal_asset **entries = cal_alloc_array(arena, *count + 1, sizeof *entries);
  if (entries == NULL) {
    return NULL;
  }
  cal_asset_cursor cursor;
  cal_asset_begin(&cursor, tree);
  for (size_t i = 0; i < *count; i++) {
    entries[i] = cal_asset_next(&cursor);
  }
  return entries;
}

const char *cal_asset_problem(const cal_asset *previous, const cal_asset *entry) {
  if (entry->key->length > CAL_KEY_BYTES) {
    return "an identifier of more than 32 bytes";
  }
  if (previous != NULL && cal_compare_bytes(previous->key, entry->key) >= 0) {
    return "identifiers that are not in ascending order";
  }
  if (entry->tokens == NULL && entry->quantity == 0) {
    return "a currency without tokens";
  }
  if (entry->tokens == NULL && entry->quantity == cal_from_small(0)) {
    return "a quantity of zero";
  }
  if (entry->tokens == NULL && !cal_fits_bits(entry->quantity, CAL_QUANTITY_BITS)) {
    return "a quantity beyond 128 bits";
  }
  return NULL;
}
