#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ckpt_reflink_long.sh - as ckpt_reflink.sh, with every round of what is
# published.

set -- --all
. "${srcdir:-.}/tests/ckpt_reflink.sh"
