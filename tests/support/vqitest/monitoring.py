"""Prometheus and node_exporter, as Debian ships them, and who is told of alerts: on loopback, each at a port that is free."""

import datetime
import functools
import http.server
import json
import os
import queue
import re
import subprocess
import threading
import urllib.parse
import urllib.request

from .qemu import die_with_parent
from .stock import unpacked


def programs():
    return unpacked("prometheus", "prometheus-node-exporter") / "usr/bin"


def get(port, path, **parameters):
    query = urllib.parse.urlencode(parameters)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}?{query}", timeout=60) as answer:
        return answer.read().decode("utf-8")


class Server:
    """Use it as a context manager: on entry it answers at its port."""

    READY = "Listening on"
    LISTENS = "Listening on"

    def __init__(self, program, *options):
        self._command = [programs() / program, "--web.listen-address=127.0.0.1:0", *options]
        self.log = []
        self.port = None

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=functools.partial(die_with_parent, os.getpid()),
        )
        missing = {self.LISTENS, self.READY}
        for line in self._process.stderr:
            self.log.append(line)
            missing -= {words for words in missing if words in line}
            if found := re.search(r'msg="Listening on" address=127\.0\.0\.1:(\d+)', line):
                self.port = int(found[1])
            if not missing:
                # Whatever it says from now on is read, so that it does not have to wait.
                self._reader = threading.Thread(target=self.log.extend, args=[self._process.stderr])
                self._reader.start()
                return self
        self._process.wait()
        raise AssertionError(f"{self._command[0]} did not start:\n" + "".join(self.log))

    def __exit__(self, kind, error, trace):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stderr.close()


class NodeExporter(Server):
    """With its textfile collector alone, which reads *.prom in a folder."""

    def __init__(self, folder):
        super().__init__(
            "prometheus-node-exporter",
            "--collector.disable-defaults",
            "--collector.textfile",
            f"--collector.textfile.directory={folder}",
        )

    def metrics(self):
        return get(self.port, "/metrics")


class Prometheus(Server):
    """Looks at one exporter several times a second, and after each look at the rules in a file."""

    READY = "Server is ready to receive web requests"

    def __init__(self, folder, exporter, rules, alerts):
        config = folder / "prometheus.yml"
        config.write_text(
            json.dumps(  # which is YAML
                {
                    "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
                    "rule_files": [str(rules)],
                    "scrape_configs": [
                        {"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
                    ],
                    "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerts.port}"]}]}]},
                }
            )
        )
        super().__init__("prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}")

    def query(self, expression):
        """[(labels, value)] of an instant."""
        answer = json.loads(get(self.port, "/api/v1/query", query=expression))
        assert answer["status"] == "success"
        return [(found["metric"], float(found["value"][1])) for found in answer["data"]["result"]]


class Alerts:
    """Takes the place of the Alertmanager. Use it as a context manager."""

    def __init__(self):
        self._told = queue.SimpleQueue()
        told = self._told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                for alert in json.loads(body):
                    told.put(alert)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, name, over=False):
        """The next message that an alert of this name fires, or that it is over."""
        while True:
            alert = self._told.get(timeout=120)
            # While it fires, it is said to end some minutes from now.
            ended = datetime.datetime.fromisoformat(alert["endsAt"]) <= datetime.datetime.now(datetime.timezone.utc)
            if alert["labels"]["alertname"] == name and ended == over:
                return alert
