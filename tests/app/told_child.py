"""A child process for the tests of the supervisor: it asks the test whether to become ready, and lives until told."""

import os
import socket
import sys

with socket.create_connection(("127.0.0.1", int(os.environ["TEST_PORT"]))) as test:
    test.sendall(f"{os.getpid()}\n".encode())
    told = test.makefile().readline().strip()
if told != "ready":
    sys.exit(3)
print('{"event": "ready"}', flush=True)
sys.stdin.read()
