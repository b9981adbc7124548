#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# whole_array_long.sh - an array of 400 MB, replaced while it is read.

exec ./tests/whole_array --words 100000000 --rounds 100
