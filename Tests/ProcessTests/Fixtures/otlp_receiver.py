"""A collector of OpenTelemetry that keeps what it gets, as the messages of opentelemetry-proto.

    python otlp_receiver.py FAILURES [CERTIFICATE]

With a certificate it speaks TLS. Answers the first FAILURES requests with 503. Prints its port, and then one line of JSON for every
export that it takes.
"""

import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from google.protobuf.json_format import MessageToDict, Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}
failures = int(sys.argv[1])


def without_ids(value):
    """JSON of OTLP has hexadecimal ids, where JSON of protobuf has base64."""
    if isinstance(value, dict):
        return {
            key: without_ids(item)
            for key, item in value.items()
            if key not in ("traceId", "spanId", "parentSpanId")
        }
    return [without_ids(item) for item in value] if isinstance(value, list) else value


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        global failures
        body = self.rfile.read(int(self.headers["content-length"]))
        if failures > 0:
            failures -= 1
            self.send_error(503)
            return
        message = KINDS[self.path]()
        if self.headers["content-type"] == "application/json":
            told = json.loads(body)
            Parse(json.dumps(without_ids(told)), message)
        else:
            message.ParseFromString(body)
            told = MessageToDict(message)
        print(json.dumps({"path": self.path, "message": told}), flush=True)
        answer = b"{}"
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Collector)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
