# SPDX-License-Identifier: BSD-2-Clause
"""A Prometheus server with a configuration and a storage of its own, that scrapes once a second."""

import json
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

from lib import deadlines
from lib.metrics import DIRECT
from lib.observer import DEADLINE

CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [{rules}]
scrape_configs:
  - job_name: keepwatch
{more}    static_configs:
      - targets: [{target}]
"""
LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


class Prometheus:
    """Scrapes one exporter, from when it is entered until it is left. @more: how else, as in a scrape_config."""

    def __init__(self, folder, url, rules=(), more=None):
        scheme, target = url.split("://")
        settings = {"scheme": scheme} | (more or {})
        text = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in settings.items())
        paths = ", ".join(json.dumps(str(path)) for path in rules)
        (folder / "prometheus.yml").write_text(CONFIG.format(target=json.dumps(target), rules=paths, more=text))
        self.folder, self.url, self.said = folder, None, []
        self.changed = threading.Condition()

    def __enter__(self):
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml",
             f"--storage.tsdb.path={self.folder}/data", "--web.listen-address=127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._gather)
        self.reader.start()
        try:
            with self.changed:
                assert self.changed.wait_for(self._is_ready, deadlines.START), self.said
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            assert self.process.wait(DEADLINE) == 0, self.said
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.reader.join()
            self.process.stderr.close()

    def _gather(self):
        for line in self.process.stderr:
            with self.changed:
                self.said.append(line)
                if match := LISTENING.search(line):
                    self.url = f"http://{match[1]}"
                self.changed.notify_all()

    def _is_ready(self):
        return self.url and any("Server is ready" in line for line in self.said)

    def get(self, path, **parameters):
        """The data of an answer of its API; what fails is an error."""
        query = urllib.parse.urlencode(parameters)
        try:
            with DIRECT.open(f"{self.url}/api/v1/{path}?{query}", timeout=DEADLINE) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as answer:
            raise AssertionError(f"{path} {parameters}: {answer.read().decode()}") from None
        assert told["status"] == "success" and not told.get("warnings"), told
        return told["data"]

    def query(self, expression):
        """What it says now: [(labels, value)]; a number without labels is one of these too."""
        data = self.get("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    def value(self, expression):
        """The one value of it; None if there is none."""
        found = self.query(expression)
        assert len(found) < 2, (expression, found)
        return found[0][1] if found else None
