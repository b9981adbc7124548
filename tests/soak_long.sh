#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# soak_long.sh - the soak test of semaphore sets, for 60 seconds in all.

exec ./tests/soak_kill --seconds 12
