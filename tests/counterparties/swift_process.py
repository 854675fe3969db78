"""OpenStack Swift with its S3 interface in one process: proxy, account, container and object server.

    python swift_process.py FOLDER ACCOUNT:USER SECRET

Run by the Python of the environment that has Swift (`make setup`). Each server listens on a free port of the loopback
address before the rings that name the ports are written, so no port is ever guessed. Everything is kept in FOLDER.
Standard output says in one line of JSON when it is ready and where; it ends when its standard input ends.
"""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

from eventlet import wsgi  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.utils import NullLogger, set_swift_dir  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402

REGION = "us-east-1"
STORAGE = ("account", "container", "object")
#: 2 to this power partitions: one drive needs no more.
PART_POWER = 4

SWIFT = """
[swift-hash]
swift_hash_path_suffix = tests
[storage-policy:0]
name = one
default = yes
"""
STORING = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
workers = 0
log_level = WARNING
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
fallocate_reserve = 0
"""
PROXY = """
[DEFAULT]
swift_dir = {folder}
workers = 0
log_level = WARNING
[pipeline:main]
pipeline = catch_errors cache s3api tempauth proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {secret} .admin
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
"""


def write_ring(folder: Path, kind: str, port: int) -> None:
    """Write the ring that has every partition on the one drive behind this port."""
    builder = RingBuilder(PART_POWER, 1, 0)
    there = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "device": "one", "weight": 1.0, "meta": "", **there})
    builder.rebalance(seed=0)
    builder.get_ring().save(str(folder / f"{kind}.ring.gz"))


def serve(listener, file: Path) -> None:
    """Serve what a configuration file describes, as Swift's own `run_server` does."""
    application = loadapp(str(file), global_conf={"log_name": file.stem})
    eventlet.spawn(
        wsgi.server,
        listener,
        application,
        NullLogger(),
        protocol=SwiftHttpProtocol,
        capitalize_response_headers=False,  # S3 clients ask for "ETag", spelled so
    )


def main(folder: Path, user: str, secret: str) -> None:
    """Start the servers and stay until standard input ends."""
    warnings.filterwarnings("ignore", message="capitalize_response_headers is disabled")
    (folder / "devices" / "one").mkdir(parents=True)
    (folder / "swift.conf").write_text(SWIFT)
    set_swift_dir(str(folder))
    listeners = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in (*STORAGE, "proxy")}
    for kind in STORAGE:
        write_ring(folder, kind, listeners[kind].getsockname()[1])
    for kind, listener in listeners.items():
        file = folder / f"{kind}.conf"
        template = PROXY if kind == "proxy" else STORING
        values = {"folder": folder, "kind": kind, "region": REGION, "user": user.replace(":", "_"), "secret": secret}
        file.write_text(template.format(**values))
        serve(listener, file)
    endpoint = f"http://127.0.0.1:{listeners['proxy'].getsockname()[1]}"
    print(json.dumps({"event": "ready", "endpoint": endpoint, "region": REGION}), flush=True)
    while os.read(sys.stdin.fileno(), 1024):
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3])
