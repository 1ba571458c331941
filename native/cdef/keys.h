int cal_sign_ed25519(const uint8_t *secret, const uint8_t *message, size_t length, uint8_t *key,
                     uint8_t *signature);
int cal_sign_ecdsa(const uint8_t *secret, const uint8_t *hash, uint8_t *key, uint8_t *signature);
int cal_sign_schnorr(const uint8_t *secret, const uint8_t *message, size_t length, uint8_t *key,
                     uint8_t *signature);
