# SPDX-License-Identifier: BSD-2-Clause
# application.py - what tests/programs/uwsgi.sh has served: a request that
# takes uWSGI's lock and stays, one that takes it and gives it back, and one
# that needs no lock.  The first two tell who they are.

import os
import time

import uwsgi


def tell():
    with open("told", "w") as told:
        print(os.getpid(), file=told)


def hold():
    uwsgi.lock()
    tell()
    while True:
        time.sleep(60)


def take():
    tell()
    uwsgi.lock()
    uwsgi.unlock()
    return "taken by %d" % os.getpid()


def pid():
    return "worker %d" % os.getpid()


def application(environ, start):
    path = environ["PATH_INFO"].strip("/")
    answer = {"hold": hold, "take": take, "pid": pid}[path]()
    start("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
