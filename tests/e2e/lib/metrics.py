# SPDX-License-Identifier: BSD-2-Clause
"""The daemon as a child process, and what a scrape of it says."""

import re
import urllib.error
import urllib.request

from lib import deadlines, observer

SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: # .*)?")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Scrape:
    """One answer of /metrics, every line of it understood."""

    def __init__(self, text):
        assert text.endswith("\n")
        self.types = {}
        self.helps = {}
        self.samples = {}
        for line in text.splitlines():
            if line == "# EOF" or line.startswith("# UNIT "):
                continue
            if line.startswith("# HELP "):
                self._add_about(self.helps, line)
            elif line.startswith("# TYPE "):
                self._add_about(self.types, line)
            else:
                self._add_sample(line)

    @staticmethod
    def _add_about(known, line):
        _, _, name, text = line.split(" ", 3)
        assert name not in known, f"twice: {line}"
        known[name] = text

    def _add_sample(self, line):
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line}"
        name, labels, value = match.groups()
        pairs = LABEL.findall(labels or "")
        said = ",".join(f'{key}="{text}"' for key, text in pairs)
        assert said == (labels or "").rstrip(","), line
        key = name, frozenset(pairs)
        assert key not in self.samples, f"twice: {line}"
        self.samples[key] = float(value)

    def __str__(self):
        """What is not 0, for a person to read; without buckets."""
        samples = sorted((name, sorted(labels), value) for (name, labels), value in self.samples.items() if value)
        return "\n".join(f"{name} {dict(labels)} {value}" for name, labels, value in samples if "_bucket" not in name)

    def all_of(self, name, **labels):
        """The samples of this name with at least these labels: [(labels, value)]."""
        wanted = set(labels.items())
        found = [(has, value) for (known, has), value in self.samples.items() if known == name]
        return [(dict(has), value) for has, value in found if wanted <= has]

    def sum_of(self, name, **labels):
        """Their sum; 0 where there is none yet."""
        return sum(value for _, value in self.all_of(name, **labels))


class Daemon(observer.Observer):
    """keepwatch run on some ports."""

    def __init__(self, ports, *options, **popen):
        super().__init__("run", "--listen", "127.0.0.1:0", *observer.port_options(ports), *options, **popen)
        self.url = None

    def __enter__(self):
        super().__enter__()
        try:
            self.wait_until(lambda: self._find_url(), "the line that says where its metrics are",
                            deadlines.START)
        except BaseException:
            self._kill()
            raise
        return self

    def _find_url(self):
        for line in self.errors:
            if match := re.fullmatch(r"keepwatch: metrics at (https?://127\.0\.0\.1:[1-9]\d*)/metrics", line):
                self.url = match[1]
        return self.url

    def get(self, path, **headers):
        """Status, content type and text of a page."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with DIRECT.open(request, timeout=observer.DEADLINE) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers["Content-Type"], answer.read().decode()

    def scrape(self):
        status, _, text = self.get("/metrics")
        assert status == 200
        return Scrape(text)

    def scrape_until(self, condition, what):
        """The first scrape of which condition(scrape) holds."""
        found = []

        def holds():
            found.append(self.scrape())
            return condition(found[-1])

        assert self.comes_true(holds), f"waited in vain for {what}; errors {self.errors}\n{found[-1]}"
        return found[-1]
