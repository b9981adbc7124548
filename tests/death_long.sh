#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# death_long.sh - the death test for 20 seconds a store.

exec ./tests/death --seconds 20
