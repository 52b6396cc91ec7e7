"""Scrapes `glwatch serve` with a real Prometheus while it watches the simulated GitLab, and asks it every expression of
the exporter's dashboards.

prometheus_probe.py GLWATCH PROMETHEUS EXPRESSIONS: ends with 0, or names the first expression without data.
"""

import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

from processes import fail, line_with, running, wait_for

EXPORTER = """
gitlab: {{url: "{url}", token: "{token}", maximum_requests_per_second: 1000}}
server: {{listen_address: "127.0.0.1:0"}}
pull: {{metrics: {{interval_seconds: 2}}}}
project_defaults:
  pull:
    environments: {{enabled: true}}
    pipeline: {{jobs: {{enabled: true}}}}
wildcards: [{{owner: {{name: acme, kind: group, include_subgroups: true}}}}]
"""
PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: glwatch
    static_configs: [{{targets: ["{address}"]}}]
"""


def free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def ask(port, path, **query):
    address = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)["data"]


def expression(case):
    """Returns what a panel asks, with every variable at "all", and the label that a variable takes from it."""
    text = re.sub(r"\$\w+", ".*", case["expr"])
    variable = re.match(r"label_values\((.*),\s*(\w+)\)$", text, re.S)
    return variable.groups() if variable else (text, None)


def is_shaped(text, label, series):
    """Says whether the series have the labels that the expression leaves them, and a time and a value each."""
    if not series or any(len(one["value"]) != 2 or float(one["value"][1]) is None for one in series):
        return False
    if label:
        return any(one["metric"].get(label) for one in series)
    if text.startswith(("count(", "avg(")) or (text.startswith("sum(") and " by " not in text):
        return len(series) == 1 and series[0]["metric"] == {}
    grouped = re.findall(r"\bby\s*\(([^)]*)\)", text)
    if not grouped:
        return all("project" in one["metric"] for one in series)
    kept = {name.strip() for names in grouped for name in names.split(",")}
    return all(set(one["metric"]) <= kept for one in series)


def main(glwatch, prometheus, cases):
    cases = json.loads(pathlib.Path(cases).read_text())
    if len(cases) < 40:
        fail(f"only {len(cases)} expressions")
    # What is shown without a file of the exporter: no jobs and no environments.
    of_pipelines = [case for case in cases if case["dashboard"] == "dashboard_pipelines.json"]
    if len(of_pipelines) < 10:
        fail(f"only {len(of_pipelines)} expressions about pipelines")
    with tempfile.TemporaryDirectory() as folder, running([glwatch, "sim", "--projects", "12", "--history", "20"]) as sim:
        folder = pathlib.Path(folder)
        url, token = f"http{line_with(sim, 'http')}", line_with(sim, "token ")
        (folder / "exporter.yml").write_text(EXPORTER.format(url=url, token=token))
        by_file = ["--exporter-config", str(folder / "exporter.yml")]
        by_default = ["--host", url, "--group-id", "12345", "--listen", "127.0.0.1:0", "--interval", "2s", "--rps", "1000"]
        for sentence, options, asked in [
            ("with a file of the exporter", by_file, cases),
            ("by default", by_default, of_pipelines),
        ]:
            environment = {"HOME": str(folder), "GITLAB_TOKEN": token}
            with running([glwatch, "serve", *options, "--no-history"], env=environment) as served:
                address = line_with(served, "serving on http://")
                scraped(prometheus, address, folder / f"data{len(asked)}", (sentence, asked))
                lint(pathlib.Path(prometheus).with_name("promtool"), address)


def scraped(prometheus, address, folder, asked):
    """Lets Prometheus scrape the server, and asks it what a dashboard asks."""
    port = free_port()
    folder.mkdir()
    (folder / "prometheus.yml").write_text(PROMETHEUS.format(address=address))
    scrape = [
        prometheus, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with running(scrape):
        check(port, *asked)


def check(port, sentence, cases):
    wait_for(lambda: ask(port, "query", query="up")["result"], "Prometheus does not answer")
    missing = []

    def all_there():
        missing.clear()
        for case in cases:
            text, label = expression(case)
            if not is_shaped(text, label, ask(port, "query", query=text)["result"]):
                missing.append(f"{case['dashboard']}: {case['expr']}")
        return not missing

    try:
        wait_for(all_there, "expressions without data of their shape", 60)
    except SystemExit:
        print("\n".join(missing))
        raise
    target = ask(port, "targets")["activeTargets"][0]
    if target["health"] != "up":
        fail(f"Prometheus refuses the page: {target['lastError']}")
    series = ask(port, "query", query="count({__name__=~'gitlab_ci_.*'})")["result"][0]["value"][1]
    print(f"{sentence}: {len(cases)} expressions of the dashboards, over {series} series, return data of their shape")


def lint(promtool, address):
    """The names of the exporter are not what promtool wants, and must stay; ours are clean."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as answer:
        page = answer.read()
    told = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, timeout=30, check=False)
    if told.returncode not in (0, 3):
        fail(f"promtool cannot read the page: {told.stderr.decode()}")
    complaints = told.stderr.decode().splitlines() + told.stdout.decode().splitlines()
    ours = [line for line in complaints if not line.startswith(("gcpe_", "gitlab_ci_"))]
    if ours:
        fail(f"promtool check metrics: {ours}")
    families = page.count(b"# TYPE glwatch_")
    print(f"promtool has nothing against our own {families} families, and {len(complaints)} words against the exporter's")


main(*sys.argv[1:])
