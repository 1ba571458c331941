/* Everything that the Python side sees, through cffi. */
#ifndef CALIBRATE_H
#define CALIBRATE_H

#include "builtins/table.h"
#include "codec/cbor.h"
#include "codec/decimal.h"
#include "inputs/keys.h"
#include "machine/costs.h"
#include "machine/features.h"
#include "machine/gmp_memory.h"
#include "machine/machine.h"
#include "machine/script.h"
#include "native.h"
#include "timing/batch.h"
#include "timing/clock.h"
#include "timing/scheduling.h"
#include "timing/heap.h"
#include "timing/work.h"

#endif
