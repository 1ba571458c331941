#include <string.h>

#include "grow_parts.h"
#include "target.h"

unsigned cal_choose(cal_choices *choices, unsigned bound) {
  unsigned value = 0;
  for (unsigned reach = 1; reach < bound && choices->left > 0; reach *= 256) {
    value = value * 256 + *choices->bytes;
    choices->bytes++;
    choices->left--;
  }
  return value % bound;
}

/* How many types follow a letter. */
static unsigned parts_of(const char *type) {
  switch (*type) {
  case 'L':
  case 'A':
  case 'D':
    return 1;
  case 'P':
  case 'F':
    return 2;
  case 'C':
    return (unsigned)(type[2] - '0');
  default:
    return 0;
  }
}

static const char *first_part(const char *type) { return type + (*type == 'C' ? 3 : 1); }

const char *cal_type_end(const char *type) {
  unsigned wanted = 1;
  while (wanted > 0) {
    wanted += parts_of(type) - 1;
    type = first_part(type);
  }
  return type;
}

bool cal_same_type(const char *one, const char *other) {
  const size_t length = (size_t)(cal_type_end(one) - one);
  return (size_t)(cal_type_end(other) - other) == length && memcmp(one, other, length) == 0;
}

bool cal_fits(const char *given, const char *wanted) {
  return (*wanted == 'd' && strchr("IYQMK", *given) != NULL) || cal_same_type(given, wanted);
}

bool cal_is_constant_type(const char *type, bool of_lists) {
  for (const char *end = cal_type_end(type); type < end; type++) {
    if (strchr(of_lists ? "mFDC" : "mFDC12", *type) != NULL) {
      return false;
    }
    of_lists = *type == 'L' || *type == 'A';
  }
  return true;
}

bool cal_match(const char **pattern, const char **type, const char *bound[2]) {
  const char *const end = cal_type_end(*pattern);
  while (*pattern < end) {
    const char letter = *(*pattern)++;
    if (letter == 'a' || letter == 'b') {
      const char **slot = &bound[letter - 'a'];
      if (*slot == NULL) {
        *slot = *type;
      } else if (!cal_same_type(*slot, *type)) {
        return false;
      }
      *type = cal_type_end(*type);
    } else if (*(*type)++ != letter) {
      return false;
    }
  }
  return true;
}

bool cal_needs_constant(const char *signature, char variable) {
  for (; *signature != '\0'; signature++) {
    const unsigned parts = strchr("LAP", *signature) == NULL ? 0 : parts_of(signature);
    for (unsigned part = 1; part <= parts; part++) {
      if (signature[part] == variable) {
        return true;
      }
    }
  }
  return false;
}

void cal_instantiate(const char *pattern, const char *const bound[2], char *out, size_t room) {
  for (const char *end = cal_type_end(pattern); pattern < end; pattern++) {
    const bool is_variable = *pattern == 'a' || *pattern == 'b';
    const char *letters = is_variable ? bound[*pattern - 'a'] : pattern;
    const size_t count = is_variable ? (size_t)(cal_type_end(letters) - letters) : 1;
    CAL_CHECK(count <= room);
    memcpy(out, letters, count);
    out += count;
    room -= count;
  }
}

size_t cal_constant_type(cal_choices *choices, unsigned depth, bool of_lists, char *out) {
  static const char simple[] = "iydosuvIYQMK12"; /* the last two in lists alone */
  static const char *const asked_for[] = {"PiLd", "Pdd", "LPdd", "Li", "Ly"}; /* by builtins */
  const unsigned kind = depth == 0 ? 0 : cal_choose(choices, 9);
  if (kind == 8) {
    const char *const whole = asked_for[cal_choose(choices, sizeof asked_for / sizeof *asked_for)];
    memcpy(out, whole, strlen(whole));
    return strlen(whole);
  }
  if (kind == 7) {
    *out = 'P';
    const size_t first = 1 + cal_constant_type(choices, depth - 1, false, out + 1);
    return first + cal_constant_type(choices, depth - 1, false, out + first);
  }
  if (kind >= 5) {
    *out = kind == 5 ? 'A' : 'L';
    return 1 + cal_constant_type(choices, depth - 1, true, out + 1);
  }
  *out = simple[cal_choose(choices,
                           of_lists && choices->groups ? sizeof simple - 1 : sizeof simple - 3)];
  return 1;
}

size_t cal_any_type(cal_choices *choices, unsigned depth, bool version_1_1, char *out) {
  size_t used = 1;
  switch (depth == 0 ? 0 : cal_choose(choices, 8)) {
  case 7:
    if (choices->groups) {
      *out = "12m"[cal_choose(choices, 3)];
      return 1;
    }
    return cal_constant_type(choices, depth, false, out);
  case 6:
    if (version_1_1) {
      const unsigned fields = cal_choose(choices, 4);
      out[0] = 'C';
      out[1] = (char)('0' + cal_choose(choices, 3));
      out[2] = (char)('0' + fields);
      used = 3;
      for (unsigned field = 0; field < fields; field++) {
        used += cal_any_type(choices, depth - 1, version_1_1, out + used);
      }
      return used;
    }
    /* fallthrough */
  case 5:
    *out = 'D';
    return 1 + cal_any_type(choices, depth - 1, version_1_1, out + 1);
  case 4:
    *out = 'F';
    used += cal_any_type(choices, depth - 1, version_1_1, out + used);
    return used + cal_any_type(choices, depth - 1, version_1_1, out + used);
  default:
    return cal_constant_type(choices, depth, false, out);
  }
}
