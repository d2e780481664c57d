"""Runs a worker's file, untouched, with another port in the place of 49134, and then its main().

    python on_port.py PORT FILE

For code that names the engine's default address itself, tested against an engine on a free port.
"""

import runpy
import socket
import sys

DEFAULT_PORT = 49134

port, path = int(sys.argv[1]), sys.argv[2]
resolve = socket.getaddrinfo


def getaddrinfo(host, service, *rest, **named):
    return resolve(host, port if service == DEFAULT_PORT else service, *rest, **named)


socket.getaddrinfo = getaddrinfo
runpy.run_path(path)["main"]()
