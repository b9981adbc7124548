#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# autogen.sh - make configure and what it needs, in a checkout.

set -e
cd "$(dirname "$0")"
exec autoreconf --install "$@"
