#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kill_quick.sh - the kill test of some scenes, others each time; of all of
# them, and that it sees what it is for, in kill_long.sh.

exec ./tests/kill_step --parts 3
