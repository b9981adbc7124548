#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mutate_long.sh - as mutate.sh, with 20,000 mutants.

exec sh "${srcdir:-.}/tests/mutate.sh" 20000 120
