"""Opens the page of `glwatch serve` in a headless Chromium: a change comes without a reload, at the width of a phone and
of a wall display, a project with a hostile name runs no script, and while GitLab is away the page says how old all is.

page_probe.py GLWATCH CHROMIUM: ends with 0, or names the first thing that does not hold.
"""

import base64
import http.server
import json
import os
import re
import socket
import struct
import sys
import tempfile
import threading
import urllib.request

from processes import fail, line_with, running, wait_for

HOSTILE = "<img src=x onerror=window.owned=1><script>window.owned=1</script>"
# For so many seconds GitLab is away before the page is opened that must say so.
AWAY = 4
status = "running"
is_away = False


class GitLab(http.server.BaseHTTPRequestHandler):
    """A GitLab with one group, one project with a hostile name, and one pipeline."""

    def do_GET(self):
        path = self.path.split("?")[0]
        pipeline = {
            "id": 812, "iid": 1, "project_id": 7, "sha": "a" * 40, "ref": "main", "status": status, "source": "push",
            "created_at": "2026-11-20T18:00:00.000Z", "updated_at": "2026-11-20T18:01:00.000Z",
            "web_url": "javascript:window.owned=1",
        }  # fmt: skip
        job = {
            "id": 9, "name": HOSTILE, "stage": "test", "status": status, "allow_failure": False,
            "created_at": "2026-11-20T18:00:00.000Z", "web_url": "javascript:window.owned=1",
        }  # fmt: skip
        project = {
            "id": 7, "name": HOSTILE, "path_with_namespace": f"acme/{HOSTILE}", "default_branch": "main",
            "name_with_namespace": f"Acme / {HOSTILE}", "web_url": "javascript:window.owned=1", "jobs_enabled": True,
            "namespace": {"full_path": "acme"},
        }  # fmt: skip
        answers = [
            (r"/groups/1$", {"id": 1, "name": "Acme", "full_path": "acme", "web_url": ""}),
            (r"/groups/1/projects$", [project]),
            (r"/projects/7/pipelines$", [pipeline]),
            (r"/projects/7/pipelines/812$", pipeline),
            (r"/projects/7/pipelines/latest$", pipeline),
            (r"/projects/7/pipelines/812/jobs$", [job]),
            (r"/projects/7/pipelines/812/bridges$", []),
            (r"/projects/7$", project),
        ]
        answer = next((answer for route, answer in answers if re.search(route, path)), None)
        body = json.dumps({"message": "404 Not found"} if answer is None else answer).encode()
        self.send_response(502 if is_away else 404 if answer is None else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Tab:
    """A tab of the browser, over its debugging protocol."""

    def __init__(self, address):
        host, path = re.match(r"ws://([^/]+)(/.*)", address).groups()
        name, port = host.rsplit(":", 1)
        self.socket = socket.create_connection((name, int(port)), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.socket.sendall(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        if b" 101 " not in self.stream.readline():
            fail("the browser does not take the connection")
        while self.stream.readline().strip():
            pass
        self.number = 0

    def ask(self, method, **parameters):
        self.number += 1
        self.send(json.dumps({"id": self.number, "method": method, "params": parameters}).encode())
        while True:
            answer = json.loads(self.receive())
            if answer.get("id") == self.number:
                if "error" in answer:
                    fail(f"{method}: {answer['error']}")
                return answer["result"]

    def value(self, expression):
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def send(self, payload):
        mask = os.urandom(4)
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126]) + struct.pack(">H", length)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(b"\x81" + size + mask + masked)

    def receive(self):
        whole = b""
        while True:
            first, size = self.stream.read(2)
            length = size & 0x7F
            if length == 126:
                length = struct.unpack(">H", self.stream.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.stream.read(8))[0]
            whole += self.stream.read(length)
            if first & 0x80:
                return whole


def open_page(browser, address, width, height):
    """Opens the page in a tab of its own."""
    port = re.match(r"ws://[^:]+:(\d+)/", browser).group(1)
    request = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
    with urllib.request.urlopen(request, timeout=20) as answer:
        tab = Tab(json.load(answer)["webSocketDebuggerUrl"])
    tab.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 800)
    tab.ask("Page.navigate", url=f"http://{address}/")
    wait_for(lambda: tab.value("document.querySelectorAll('article').length") == 1, f"no card at {width} px")
    tab.value("window.before = true")
    return tab


def check(tab, width):
    sees = lambda word: word in (tab.value("document.querySelector('main').innerText") or "")
    wait_for(lambda: sees("failed"), f"the change does not come at {width} px", 15)
    if tab.value("window.before") is not True:
        fail(f"the page was loaded again at {width} px")
    if not tab.value("document.title").startswith("\u2717"):
        fail(f"the title does not say that something failed at {width} px")
    if not sees("<img src=x onerror"):
        fail(f"the name is not shown as it is at {width} px")
    if tab.value("window.owned") is not None:
        fail(f"a script of a hostile name ran at {width} px")
    if tab.value("document.querySelectorAll('main img, main script, a[href^=javascript]').length") != 0:
        fail(f"a hostile name became an element at {width} px")
    if tab.value("document.documentElement.scrollWidth") > width:
        fail(f"the page is wider than {width} px")


def check_ages(browser, tabs, address):
    """Lets GitLab be away while the server asks it again and again: what is shown gets old all the same."""
    global is_away
    is_away = True
    for tab, width in tabs:
        says = lambda: tab.value("document.querySelector('article p.old:not([hidden])')?.textContent") or ""
        wait_for(lambda: re.fullmatch(r"read \d+ s ago", says()), f"a card does not say how old it is at {width} px", 15)

    def age():
        with urllib.request.urlopen(f"http://{address}/api/v1/snapshot", timeout=20) as answer:
            return int(answer.headers["age"])

    wait_for(lambda: age() > AWAY, "what is not read again stays young")
    said = open_page(browser, address, 390, 844).value("document.getElementById('age').textContent")
    found = re.match(r"read (\d+) s ago, not complete", said)
    if not found or int(found.group(1)) < AWAY:
        fail(f"a page that is opened while GitLab is away says {said!r}")


def main(glwatch, chromium):
    global status
    gitlab = http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitLab)
    threading.Thread(target=gitlab.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{gitlab.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        serve = [
            glwatch, "serve", "--host", host, "--group-id", "1", "--api", "rest", "--interval", "500ms",
            "--rps", "100", "--listen", "127.0.0.1:0", "--no-history",
        ]  # fmt: skip
        browse = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--no-first-run", "--disable-sync", f"--user-data-dir={folder}/profile", "--remote-debugging-port=0",
        ]  # fmt: skip
        with running(serve, env={"HOME": folder}) as served, running(browse, env={"HOME": folder}) as browsing:
            address = line_with(served, "serving on http://")
            browser = line_with(browsing, "DevTools listening on ", 30)
            widths = [(390, 844), (1920, 1080)]
            tabs = [(open_page(browser, address, *size), size[0]) for size in widths]
            status = "failed"
            for tab, width in tabs:
                check(tab, width)
            check_ages(browser, tabs, address)
    print("at 390 and 1920 px a change came without a reload, a hostile name ran no script, and what was old said so")


main(*sys.argv[1:])
