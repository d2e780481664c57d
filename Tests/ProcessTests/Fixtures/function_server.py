"""Functions that are invoked by HTTP: a server on a free port of loopback.

    function_server.py PORTS [CERTIFICATE]

Writes the port to the file PORTS; with a certificate it speaks TLS. Every request becomes one line
of JSON on standard output. The path /reply/STATUS/BODY is answered with just that.
"""

import json
import os
import ssl
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Functions(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = {"method": self.command, "path": self.path, "headers": headers, "body": body}
        # In one write: requests come on several threads, and print ends its line with a second one.
        sys.stdout.write(json.dumps(seen) + "\n")
        sys.stdout.flush()
        if self.path == "/echo":
            self.reply(200, json.dumps({"got": json.loads(body)}))
        elif self.path == "/error":
            self.reply(422, json.dumps({"error": {"code": "no_stamp", "message": "no stamp"}}))
        elif self.path == "/text":
            self.reply(200, "<html>")
        elif self.path == "/redirect":
            self.reply(302, "", {"Location": "/echo"})
        elif self.path.startswith("/reply/"):
            _, _, status, reply = self.path.split("/", 3)
            self.reply(int(status), urllib.parse.unquote(reply))
        elif self.path == "/slow":
            time.sleep(5)
            self.reply(200, "1")
        else:
            self.reply(404, "")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def reply(self, status, body, headers={}):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Functions)
server.daemon_threads = True
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(sys.argv[1] + ".tmp", "w") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[1] + ".tmp", sys.argv[1])
server.serve_forever()
