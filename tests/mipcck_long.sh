#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcck_long.sh - mipcck.sh with thousands of mutations, and more that is
# killed.
MIPC_MUTATIONS=5000
MIPC_KILLED="root used debt_twice sem_value entry_state key_unlinked missing"
export MIPC_MUTATIONS MIPC_KILLED
exec sh "${srcdir:-.}/tests/mipcck.sh"
