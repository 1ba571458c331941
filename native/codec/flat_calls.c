/* Builtins and errors: terms without terms in them, and calls that are complete. */
#include "codec/flat_decoder.h"

static cal_status read_builtin_tag(decoder *decoder, unsigned *tag) {
  *tag = (unsigned)cal_read_bits(&decoder->reader, BUILTIN_BITS);
  if (decoder->reader.failed) {
    return cal_flat_malformed(decoder, "a builtin without its tag");
  }
  if (*tag >= CAL_BUILTINS + CAL_NOPS) {
    return cal_flat_malformed(decoder, "an unknown builtin tag");
  }
  if (decoder->options->builtins[*tag] == 0) {
    return cal_fail(decoder->error, CAL_UNAVAILABLE,
                    "flat: builtin %s is not available in this language and protocol version",
                    cal_builtins[*tag].name);
  }
  return CAL_OK;
}

cal_status cal_flat_read_call(decoder *decoder, unsigned skip, cal_part *into, cal_part **first) {
  unsigned tag = 0;
  if (!cal_skip_bits(&decoder->reader, skip)) {
    return cal_flat_malformed(decoder, "the program ends too early");
  }
  decoder->script->nodes += skip / TAG_BITS;
  const cal_status status = read_builtin_tag(decoder, &tag);
  if (status != CAL_OK) {
    return status;
  }
  const unsigned arity = cal_builtins[tag].arity;
  cal_node *node = new_node(decoder, CAL_OP_CALL, arity);
  if (CAL_UNLIKELY(node == NULL)) {
    return cal_flat_exhausted(decoder);
  }
  node->number = tag;
  node->slot = (uint16_t)arity;
  *into = (cal_part)node;
  *first = &node->parts[0];
  for (unsigned i = arity; i-- > 1;) {
    if (CAL_UNLIKELY(!schedule(decoder, READ_TERM, &node->parts[i]))) {
      return cal_flat_exhausted(decoder);
    }
  }
  return CAL_OK;
}

cal_status cal_flat_read_bare(decoder *decoder, unsigned tag, cal_part *into) {
  unsigned builtin = 0;
  if (tag == TAG_BUILTIN) {
    const cal_status status = read_builtin_tag(decoder, &builtin);
    if (status != CAL_OK) {
      return status;
    }
  }
  cal_node *node = new_node(decoder, tag == TAG_BUILTIN ? CAL_OP_BUILTIN : CAL_OP_ERROR, 0);
  if (node == NULL) {
    return cal_flat_exhausted(decoder);
  }
  node->number = builtin;
  *into = (cal_part)node;
  return CAL_OK;
}
