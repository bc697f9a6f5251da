"""A longer way to the pooler: delay_proxy.py LISTEN_PORT TARGET_PORT MILLISECONDS. What is sent to it waits that long."""

import socket
import sys
import threading
import time


def carry(source, sink, seconds):
    """Until either side ends; then both are closed."""
    try:
        while data := source.recv(262_144):
            if seconds:
                time.sleep(seconds)
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main():
    listen, target, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1_000
    server = socket.create_server(("127.0.0.1", listen), backlog=256)
    while True:
        client, _ = server.accept()
        upstream = socket.create_connection(("127.0.0.1", target))
        for end in (client, upstream):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for way in ((client, upstream, seconds), (upstream, client, 0)):
            threading.Thread(target=carry, args=way, daemon=True).start()


main()
