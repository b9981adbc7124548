#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ckpt_long.sh - as ckpt.sh, killed at every system call there is.

set -- 1
. "${srcdir:-.}/tests/ckpt.sh"
