"""Sees an engine change its certificate.

    python tls_client.py PORT CERTIFICATE KEY NEW_CERTIFICATE NEW_KEY

Keeps one connection over a change of the first two files into the last two, and prints whom it and
new connections talked to before and after, as JSON.
"""

import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import time

port, certificate, key, new_certificate, new_key = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.set_alpn_protocols(["http/1.1"])


def connect():
    connection = http.client.HTTPSConnection("127.0.0.1", int(port), context=context, timeout=30)
    connection.connect()
    return connection


def subject(connection):
    shown = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-subject"],
        input=connection.sock.getpeercert(binary_form=True),
        capture_output=True,
        check=True,
    )
    return shown.stdout.decode().rpartition("=")[2].strip()


def ask(connection):
    name = subject(connection)
    connection.request("GET", "/nowhere")
    response = connection.getresponse()
    response.read()
    return {"subject": name, "status": response.status, "version": response.version}


def replace(source, target):
    shutil.copyfile(source, target + ".new")
    os.replace(target + ".new", target)


kept = connect()
seen = {"before": ask(kept), "protocol": kept.sock.selected_alpn_protocol()}
# For a while they do not belong together.
replace(new_certificate, certificate)
time.sleep(1.5)
seen["between"] = ask(connect())
replace(new_key, key)
deadline = time.monotonic() + 30
while time.monotonic() < deadline:
    seen["after"] = ask(connect())
    if seen["after"]["subject"] != seen["before"]["subject"]:
        break
    time.sleep(0.2)
seen["kept"] = ask(kept)
print(json.dumps(seen))
