#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kill_quick.sh - the kill test of some scenes, others each time; all of them,
# and the proof that it sees what it is for, are in kill_long.sh.

exec ./tests/kill_step --parts 3
