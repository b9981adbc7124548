#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# soak_long.sh - the soak test of semaphore sets and queues, 12 seconds for
# each place: 24 for queues on each store.

exec ./tests/soak_kill --seconds 12
