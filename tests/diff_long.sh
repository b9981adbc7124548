#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# diff_long.sh - the differential test with 120,000 operations.

exec ./tests/diff_shm --ops 120000
