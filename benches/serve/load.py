"""What `glwatch serve` bears: series, scrapes, listeners and webhooks, against the simulated GitLab on this machine.

cargo build --release && python3 benches/serve/load.py target/release/glwatch [PROJECTS]

It reports and never judges. Times are of this machine and of whatever else runs on it; memory is from /proc.
"""

import http.client
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

EXPORTER = """
gitlab: {{url: "{url}", token: "{token}", maximum_requests_per_second: 1000}}
server: {{listen_address: "127.0.0.1:0"}}
pull: {{metrics: {{interval_seconds: 5}}}}
project_defaults: {{pull: {{pipeline: {{jobs: {{enabled: true}}}}}}}}
wildcards: [{{owner: {{name: acme, kind: group, include_subgroups: true}}}}]
"""
STAGES, JOBS = 4, 5


class Program:
    """A program, and the lines that it has printed."""

    def __init__(self, command, **more):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True).start()

    def line(self, beginning):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for line in list(self.lines):
                if line.startswith(beginning):
                    return line[len(beginning):].strip()
            time.sleep(0.05)
        sys.exit(f"no line {beginning!r}: {self.lines}")

    def memory(self):
        """Returns the resident memory in MB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def end(self):
        self.process.terminate()
        self.process.wait(20)


def get(address, path):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as answer:
        return answer.read()


def metric(page, name):
    for line in page.splitlines():
        if line.startswith(name + b" "):
            return float(line.split()[1])
    return None


def wait_until_read(address):
    until = time.monotonic() + 600
    last = None
    while time.monotonic() < until:
        page = get(address, "/metrics")
        due, series = metric(page, b"glwatch_tracked_due"), sum(not line.startswith(b"#") for line in page.splitlines())
        if due == 0 and series and series == last:
            return series
        last = series
        time.sleep(3)
    sys.exit("not all was read in ten minutes")


def scrapes(served, address, count):
    get(address, "/metrics")
    before = served.memory()
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        size = len(get(address, "/metrics"))
        times.append((time.perf_counter() - begun) * 1000)
    middle, worst = statistics.median(times), sorted(times)[int(count * 0.99) - 1]
    print(f"{count} scrapes of {size / 1e6:.1f} MB: median {middle:.0f} ms, p99 {worst:.0f} ms")
    print(f"memory {before:.0f} MB after the first one, {served.memory():.0f} MB after the last")


def asked(sim):
    return json.loads(get(sim, "/-/sim/stats"))["requests"]


def listeners(served, address, sim, count):
    begun = asked(sim)
    time.sleep(15)
    alone = asked(sim) - begun
    before = served.memory()
    held = []
    for _ in range(count):
        connection = socket.create_connection(address.rsplit(":", 1), timeout=20)
        connection.sendall(b"GET /api/v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        connection.recv(64)
        held.append(connection)
    begun = asked(sim)
    time.sleep(15)
    print(f"{count} listeners: {served.memory() - before:.1f} MB more, {served.memory():.0f} MB in all")
    print(f"requests to GitLab in 15 s: {alone} without them, {asked(sim) - begun} with them")
    for connection in held:
        connection.close()


def webhooks(address, sim, rate, seconds, senders=8):
    projects = [one["id"] for one in json.loads(get(address, "/api/v1/snapshot"))["projects"]]
    times, refused = [], []

    def send(nth):
        connection = http.client.HTTPConnection(address, timeout=30)
        begun = time.perf_counter()
        for at in range(rate * seconds // senders):
            pause = begun + at * senders / rate - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
            project = projects[(at * senders + nth) % len(projects)]
            event = {"object_kind": "pipeline", "object_attributes": {"ref": "main", "tag": False}}
            body = json.dumps(event | {"project": {"id": project, "path_with_namespace": "acme/x"}})
            sent = time.perf_counter()
            connection.request("POST", "/webhook", body, {"webhook-id": f"{nth}-{at}"})
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - sent) * 1000)
            if answer.status != 200:
                refused.append(answer.status)

    threads = [threading.Thread(target=send, args=(nth,)) for nth in range(senders)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    times.sort()
    print(f"{len(times)} webhooks in {took:.1f} s, {len(refused)} not answered with 200")
    print(f"median {statistics.median(times):.1f} ms, p99 {times[int(len(times) * 0.99)]:.1f} ms")
    wait_until_read(address)
    def states(projects):
        return {one["full_path"]: [(line["id"], line["status"]) for line in one["pipelines"]] for one in projects}

    truth = states(json.loads(get(sim, "/-/sim/truth"))["projects"])
    known = states(json.loads(get(address, "/api/v1/snapshot"))["projects"])
    print(f"afterwards {sum(known.get(path) == state for path, state in truth.items())} of {len(truth)} projects are as they are")


def main(glwatch, projects="800"):
    with tempfile.TemporaryDirectory() as folder:
        world = ["--projects", projects, "--stages", str(STAGES), "--jobs", str(JOBS)]
        sim = Program([glwatch, "sim", *world])
        url, token = "http" + sim.line("http"), sim.line("token ")
        config = pathlib.Path(folder) / "exporter.yml"
        config.write_text(EXPORTER.format(url=url, token=token))
        served = Program([glwatch, "serve", "--exporter-config", str(config)], env={"HOME": folder})
        try:
            address, at = served.line("serving on http://"), url.removeprefix("http://")
            series = wait_until_read(address)
            print(f"{projects} projects, {series} series, {served.memory():.0f} MB")
            scrapes(served, address, 1000)
            listeners(served, address, at, 200)
            webhooks(address, at, 2000, 10)
            print(f"{served.memory():.0f} MB at the end")
        finally:
            served.end()
            sim.end()


main(*sys.argv[1:])
