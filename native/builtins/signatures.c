/* Signature checks. A key, message or signature of the wrong length or form
 * makes the program fail; a signature that is merely wrong gives False. */
#include <secp256k1.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>

#include "builtins/families.h"

enum { ED25519_KEY = 32, ECDSA_KEY = 33, ECDSA_MESSAGE = 32, SCHNORR_KEY = 32, SIGNATURE = 64 };

static cal_status check_lengths(const cal_call *call, const char *name, const cal_value *a,
                                size_t key, size_t message) {
  const cal_bytes *of_key = CAL_AS(cal_bytes, a[0]);
  const cal_bytes *of_message = CAL_AS(cal_bytes, a[1]);
  const cal_bytes *of_signature = CAL_AS(cal_bytes, a[2]);
  if (of_key->length != key) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: a public key of %zu bytes, not %zu", name,
                    of_key->length, key);
  }
  if (message != 0 && of_message->length != message) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: a message hash of %zu bytes, not %zu",
                    name, of_message->length, message);
  }
  if (of_signature->length != SIGNATURE) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: a signature of %zu bytes, not %d", name,
                    of_signature->length, SIGNATURE);
  }
  return CAL_OK;
}

cal_status cal_verifyEd25519Signature(const cal_call *call, const cal_value *a, cal_value *result) {
  const cal_status status = check_lengths(call, "verifyEd25519Signature", a, ED25519_KEY, 0);
  if (status != CAL_OK) {
    return status;
  }
  const cal_bytes *message = CAL_AS(cal_bytes, a[1]);
  *result = cal_from_bool(crypto_sign_verify_detached(CAL_AS(cal_bytes, a[2])->data, message->data,
                                                      message->length,
                                                      CAL_AS(cal_bytes, a[0])->data) == 0);
  return CAL_OK;
}

cal_status cal_verifyEcdsaSecp256k1Signature(const cal_call *call, const cal_value *a,
                                             cal_value *result) {
  static const char name[] = "verifyEcdsaSecp256k1Signature";
  const cal_status status = check_lengths(call, name, a, ECDSA_KEY, ECDSA_MESSAGE);
  if (status != CAL_OK) {
    return status;
  }
  /* Verification needs no tables of its own, so the static context will do. */
  const secp256k1_context *context = secp256k1_context_static;
  secp256k1_pubkey key;
  secp256k1_ecdsa_signature signature;
  if (secp256k1_ec_pubkey_parse(context, &key, CAL_AS(cal_bytes, a[0])->data, ECDSA_KEY) != 1) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: a malformed public key", name);
  }
  if (secp256k1_ecdsa_signature_parse_compact(context, &signature, CAL_AS(cal_bytes, a[2])->data) !=
      1) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: a malformed signature", name);
  }
  *result = cal_from_bool(
      secp256k1_ecdsa_verify(context, &signature, CAL_AS(cal_bytes, a[1])->data, &key) == 1);
  return CAL_OK;
}

cal_status cal_verifySchnorrSecp256k1Signature(const cal_call *call, const cal_value *a,
                                               cal_value *result) {
  static const char name[] = "verifySchnorrSecp256k1Signature";
  const cal_status status = check_lengths(call, name, a, SCHNORR_KEY, 0);
  if (status != CAL_OK) {
    return status;
  }
  const secp256k1_context *context = secp256k1_context_static;
  const cal_bytes *message = CAL_AS(cal_bytes, a[1]);
  secp256k1_xonly_pubkey key;
  if (secp256k1_xonly_pubkey_parse(context, &key, CAL_AS(cal_bytes, a[0])->data) != 1) {
    return cal_fail(call->error, CAL_FAILED, "builtin %s: a malformed public key", name);
  }
  *result = cal_from_bool(secp256k1_schnorrsig_verify(context, CAL_AS(cal_bytes, a[2])->data,
                                                      message->data, message->length, &key) == 1);
  return CAL_OK;
}
